import { describe, expect, it } from 'vitest';
import { inert } from '../../src/render/inert.js';
import { DIGEST_MAX, digestText, findingText, TEXT_MAX } from '../../src/render/text.js';
import { HOSTILE, stateWith } from './states.js';

const CONTEXT = { version: '1', link: 'https://killdeer.example/f/f-0123456789abcdef' };

const LINE = { severity: 'medium', kind: 'exfiltration', agent: 'agent' };

describe('text for a phone', () => {
  it('says what, who, how bad against the usual, what was done and where to press', () => {
    const taken = { action: 'suspend', effect: 'applied', untilMs: Date.UTC(2031, 4, 2, 15) } as const;
    expect(findingText(stateWith(), { ...CONTEXT, taken })).toBe(
      [
        'HIGH exfiltration: billing-3/helper (acme)',
        'billing-3 sends 1.2 MB to paste.example, 40 times what is usual for it',
        'bytes sent: 1200000, usual 30000.',
        'Done: stopped until 15:00 UTC.',
        'Look: https://killdeer.example/f/f-0123456789abcdef',
      ].join('\n'),
    );
  });

  it('says so where nothing was done, and names the verb where there is no page to open', () => {
    const text = findingText(stateWith({ tenant: '' }), { version: '1' });
    expect(text).toContain('Done: nothing was done.');
    expect(text).toContain('Look: killdeer explain f-0123456789abcdef');
    const recommended = { action: 'suspend', effect: 'recommended', untilMs: null } as const;
    expect(findingText(stateWith(), { version: '1', taken: recommended })).toContain('suspend is recommended');
  });

  it('is never longer than it may be, and keeps its last line', () => {
    const long = 'x'.repeat(1_000);
    const attribution = [{ detector: 'd', feature: long, observed: 1e9, expected: 0.123456, share: 1 }];
    const text = findingText(stateWith({ title: long, agent: long, tenant: long, attribution }), CONTEXT);
    expect(text.length).toBeLessThanOrEqual(TEXT_MAX);
    expect(text.endsWith(CONTEXT.link)).toBe(true);
  });

  it.each(HOSTILE)('holds nothing that acts but its own line breaks: %j', (text) => {
    const said = findingText(stateWith({ title: text, agent: text, tenant: text }), CONTEXT);
    for (const line of said.split('\n')) expect(inert(line)).toBe(line);
    expect(said.split('\n')).toHaveLength(5);
  });
});

describe('a digest', () => {
  it('counts, names the first of them and says where to look', () => {
    const lines = Array.from({ length: 20 }, (_, i) => ({ ...LINE, agent: `agent-${i}` }));
    const text = digestText(lines, 20, null);
    expect(text.length).toBeLessThanOrEqual(DIGEST_MAX);
    expect(text).toContain('20 findings were held back');
    expect(text).toContain('- medium exfiltration: agent-0');
    expect(text).toContain('and 12 more');
    expect(text.endsWith('Look: killdeer findings')).toBe(true);
    expect(digestText([LINE], 1, CONTEXT.link)).toContain('1 finding was held back');
  });
});
