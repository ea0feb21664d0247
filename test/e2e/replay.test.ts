/** The recording of the demo through the program: the same bytes however it is run, and words for what goes wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { createRandom } from '../../src/math/random.js';
import type { Explanation } from '../../src/pipeline/explanation.js';
import { freshDirectory, run, valuesOf } from './program.js';
import { linesOfRecording, type Replayed, recordingOf, replayed, replayedCut, resumed } from './replayed.js';

const DEMO = recordingOf('demo');

let kept: Promise<Replayed> | undefined;
/** The run that all others are held against. */
function undisturbed(): Promise<Replayed> {
  kept ??= replayed('demo');
  return kept;
}

describe('a replay', () => {
  it('gives the same bytes twice', async () => {
    const whole = await undisturbed();
    const { findings, decisions } = await replayed('demo');
    expect({ findings, decisions }).toEqual({ findings: whole.findings, decisions: whole.decisions });
    expect(valuesOf(findings).length).toBeGreaterThan(5);
    expect(valuesOf(decisions).filter(({ effect }) => effect === 'applied').length).toBeGreaterThan(1);
  });

  // Checkpoints come every 20,000 events: one on the way, and one that says that the run is over.
  it.each(['event:25000', 'checkpoint-written:1', 'checkpoint-renamed:1'])(
    'killed at %s and run again gives the same bytes',
    async (point) => {
      const whole = await undisturbed();
      const { findings, decisions, summary } = await resumed('demo', [point]);
      expect({ findings, decisions }).toEqual({ findings: whole.findings, decisions: whole.decisions });
      expect(summary['resumedAt']).toBe(point === 'checkpoint-written:1' ? 0 : 20_000);
    },
  );

  it('cut anywhere gives the beginning of them', async () => {
    const whole = await undisturbed();
    const random = createRandom('cuts');
    const lines = linesOfRecording('demo');
    for (let i = 0; i < 5; i++) {
      // One cut in each fifth, so that some stand between the findings of the last day.
      const cut = Math.floor(((i + random.next()) * lines.length) / 5);
      const { findings, decisions } = await replayedCut('demo', lines.slice(0, cut));
      expect([cut, whole.findings.startsWith(findings)]).toEqual([cut, true]);
      expect([cut, whole.decisions.startsWith(decisions)]).toEqual([cut, true]);
    }
  });

  it('is explained, room by room, up to what became of the proposal', async () => {
    const whole = await undisturbed();
    const findings = valuesOf<Finding>(whole.findings);
    const stop = valuesOf(whole.decisions).find(({ effect }) => effect === 'applied');
    const file = join(freshDirectory(), 'findings.jsonl');
    writeFileSync(file, whole.findings);
    const options = ['--recording', DEMO, '--findings', file, '--policy', 'enforce'];
    const words = [...options, '--registry', join(DEMO, 'registry.json')];
    const explained = async (id: string) => {
      const { code, out, err } = await run(['explain', id, ...words]);
      expect([code, err]).toEqual([0, '']);
      return valuesOf<Explanation>(out)[0];
    };
    const finding = findings.find(({ id }) => id === stop?.['finding']) as Finding;
    const chain = await explained(finding.id);
    const { step } = chain;
    expect(chain).toMatchObject({ id: finding.id, fate: 'scored', stored: { id: finding.id }, rejection: null });
    expect(chain.event?.agent).toBe(finding.agent);
    expect(step?.identity).toMatchObject({ root: finding.root, bound: true, model: finding.model });
    expect(step?.windows.length).toBeGreaterThan(0);
    expect(step?.detectors.find(({ name }) => name === finding.attribution[0].detector)?.share).toBeGreaterThan(0.1);
    expect(chain.finding).toMatchObject({ outcome: 'raised', lines: [{ id: finding.id, title: finding.title }] });
    // An event that belongs to no finding is explained as well.
    const first = JSON.parse(linesOfRecording('demo')[100]) as { id: string };
    expect(await explained(first.id)).toMatchObject({ fate: 'scored', finding: { outcome: 'none' }, proposals: [] });
  });
});

describe('a word too many or too few', () => {
  it.each<[words: string[], code: number, said: RegExp]>([
    [['--version'], 0, /^$/],
    [['replay', '--help'], 0, /^$/],
    [[], 2, /^Usage: killdeer/],
    [['reply', 'DEMO'], 2, /unknown command 'reply'/],
    [['replay'], 2, /missing required argument 'recording'/],
    [['replay', 'DEMO', '--finding', 'x'], 2, /unknown option '--finding'/],
    [['run', '--port', 'many'], 2, /^killdeer: usage: --port many: .*\n {2}next: /],
    [['run', '--port', '70000'], 2, /^killdeer: usage: --port 70000: .*65535/],
    [
      ['replay', 'DEMO', '--config', 'FOLDER/bad.yaml'],
      2,
      /^killdeer: config\.invalid: .*bad\.yaml: .*partition.*\n {2}next: /,
    ],
    [['replay', 'DEMO', '--config', 'FOLDER/none.yaml'], 2, /^killdeer: config\.invalid: .*none\.yaml.*ENOENT/],
    [['replay', 'DEMO', '--policy', 'FOLDER/policy.yaml'], 2, /^killdeer: policy\.invalid: .*policy\.yaml:2:\d+ mode/],
    [['replay', 'DEMO', '--model', 'FOLDER/bad.yaml'], 2, /^killdeer: model\.invalid: .*bad\.yaml/],
    [['replay', 'FOLDER/gone'], 1, /^killdeer: recording\.unreadable: .*gone.*\n {2}next: /],
    [['replay', 'FOLDER/empty'], 1, /^killdeer: recording\.unreadable: .*neither events\.jsonl nor/],
    [['replay', 'FOLDER/text.jsonl.gz'], 1, /^killdeer: recording\.unreadable: .*cannot be unpacked/],
    [['replay', 'FOLDER/one.jsonl', '--findings', 'FOLDER/one.jsonl'], 2, /^killdeer: usage: .*named twice/],
    [['explain', 'f-0', '--recording', 'FOLDER/one.jsonl'], 1, /f-0 is neither an event nor a finding/],
    [['explain', 'f-0'], 2, /^killdeer: usage: name either --recording or --data/],
    [['agent', 'list', '--data', 'FOLDER/gone'], 1, /^killdeer: api\.unreachable: .*gone/],
    [['agent', 'suspend', 'x', '--data', 'FOLDER/gone'], 2, /required option '--reason/],
    [['simulate', 'opera', '--out', 'FOLDER/opera'], 2, /opera/],
    [['demo', '--speed', 'fast'], 2, /--speed fast/],
  ])('killdeer %j', async (words, code, said) => {
    const folder = freshDirectory();
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'bad.yaml'), 'partition: 3\n');
    writeFileSync(join(folder, 'policy.yaml'), 'name: x\nmode: strict\nrules: []\n');
    writeFileSync(join(folder, 'text.jsonl.gz'), 'text');
    writeFileSync(join(folder, 'one.jsonl'), '');
    const ended = await run(words.map((word) => word.replace('FOLDER', folder).replace('DEMO', DEMO)));
    expect({ code: ended.code, err: ended.err }).toEqual({ code, err: expect.stringMatching(said) });
    // Words go to people, and never a stack.
    expect(ended.err).not.toMatch(/\n\s+at /);
    if (code !== 0) expect(ended.out).toBe('');
    else expect(ended.out).not.toBe('');
  });
});
