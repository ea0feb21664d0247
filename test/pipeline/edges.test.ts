import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../src/event/event.js';
import { Edges } from '../../src/pipeline/edges.js';
import { itemOf, NOW_MS } from './source-world.js';

const HOUR_MS = 3_600_000;

function event(changes: Readonly<Record<string, unknown>> = {}): AgentEvent {
  return itemOf({ agent: 'clerk', ...changes }).event;
}

/** What one call with these events writes. */
function written(edges: Edges, nowMs: number, events: readonly AgentEvent[], bound = true): unknown[] {
  const round = edges.begin(nowMs);
  for (const one of events) round.note(one, bound);
  round.keep();
  return round.lines.map((line) => JSON.parse(line));
}

describe('an edge', () => {
  it('says who works for whom, and who uses which credential', () => {
    const seen = event({ parent: 'chief', credential: 'c0ffee', tenant: 'acme' });
    const common = { type: 'edge', tenant: 'acme', agent: 'clerk', root: 'clerk', timeMs: seen.timeMs, bound: true };
    expect(written(new Edges(1), NOW_MS, [seen])).toEqual([
      { ...common, by: 'parent', key: 'chief' },
      { ...common, by: 'credential', key: 'c0ffee' },
    ]);
  });

  it('is none where an agent works for itself or for nobody', () => {
    expect(written(new Edges(1), NOW_MS, [event(), event({ parent: 'clerk' })])).toEqual([]);
  });

  it('is written once within an hour, and again while it is in use', () => {
    const edges = new Edges(1);
    const one = [event({ parent: 'chief' }), event({ parent: 'chief' })];
    let nowMs = NOW_MS;
    const times: number[] = [];
    for (; nowMs < NOW_MS + 10 * HOUR_MS; nowMs += 60_000) if (written(edges, nowMs, one).length > 0) times.push(nowMs);
    expect(times.length).toBeGreaterThanOrEqual(5);
    for (let i = 1; i < times.length; i++) {
      expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(HOUR_MS);
      expect(times[i] - times[i - 1]).toBeLessThanOrEqual(2 * HOUR_MS);
    }
  });

  it('is one of its own for each tenant, agent, key, kind and for senders that are not bound', () => {
    const edges = new Edges(1);
    const different = [
      { parent: 'chief' },
      { parent: 'chief', tenant: 'acme' },
      { parent: 'chief', agent: 'other' },
      { parent: 'chie', agent: 'fclerk' },
      { credential: 'chief' },
    ];
    expect(written(edges, NOW_MS, different.map(event))).toHaveLength(different.length);
    expect(written(edges, NOW_MS, different.map(event), false)).toHaveLength(different.length);
    expect(written(edges, NOW_MS, different.map(event))).toEqual([]);
  });

  it('is written again where it could not be written', () => {
    const edges = new Edges(1);
    const failed = edges.begin(NOW_MS);
    failed.note(event({ parent: 'chief' }), true);
    expect(failed.lines).toHaveLength(1);
    expect(written(edges, NOW_MS, [event({ parent: 'chief' })])).toHaveLength(1);
  });

  it('is forgotten where there are too many: memory is bounded', () => {
    const edges = new Edges(1, 100);
    const all = Array.from({ length: 1_000 }, (_, at) => event({ credential: `c-${at}` }));
    for (const one of all) written(edges, NOW_MS, [one]);
    expect(written(edges, NOW_MS, all.slice(-50))).toEqual([]);
    expect(written(edges, NOW_MS, all.slice(0, 50))).toHaveLength(50);
  });
});
