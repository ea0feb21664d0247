import { describe, expect, it } from 'vitest';
import type { Label } from '../../src/tune/labels.js';
import { NO_SURPRISES, SessionWatch, sessionAuc } from '../../src/tune/session-auc.js';

const START_MS = 1_000_000;
const label = (kind: string, session: string | null, over: Partial<Label> = {}): Label => ({
  ...{ agent: 'a', session, sessions: null, kind, fromMs: START_MS, toMs: START_MS + 1000, ...over },
});

describe('session AUC', () => {
  it('is the chance that a hijacked session surprises more than a resisted one, ties counting half', () => {
    expect(sessionAuc({ hijacked: [3, 2], resisted: [1, 0] })).toBe(1);
    expect(sessionAuc({ hijacked: [0], resisted: [5] })).toBe(0);
    expect(sessionAuc({ hijacked: [0, 4], resisted: [0, 4] })).toBe(0.5);
    expect(sessionAuc({ hijacked: [1, 3], resisted: [2, 0] })).toBe(0.75);
  });

  it('is none where either kind is missing', () => {
    expect(sessionAuc({ hijacked: [1], resisted: [] })).toBeNull();
    expect(sessionAuc({ hijacked: [], resisted: [1] })).toBeNull();
    expect(sessionAuc(NO_SURPRISES)).toBeNull();
  });
});

describe('labelled sessions', () => {
  it('keep the smallest p of their agent and its sub-agents, 0 nats where none was below 1', () => {
    const watch = new SessionWatch([label('hijack', 's'), label('injection-resisted', 't')], START_MS);
    watch.take('a', 's', 0.5);
    watch.take('a/sub-01', 's', 0.01);
    watch.take('a', 's', 0.2);
    watch.take('b', 's', 1e-9);
    watch.take('a', 'u', 1e-9);
    watch.take('a', null, 1e-9);
    watch.take('a', 't', 1);
    expect(watch.surprises()).toEqual({ hijacked: [-Math.log(0.01)], resisted: [0] });
  });

  it('are those of the judged days that a label names, whichever way it says that they were resisted', () => {
    const labels = [
      label('negative:injection-resisted', 's'),
      label('hijack', null),
      label('hijack', 't', { toMs: START_MS - 1 }),
      label('retry-loop', 'u'),
      label('hijack', 'v', { agent: null }),
    ];
    expect(new SessionWatch(labels, START_MS).surprises()).toEqual({ hijacked: [], resisted: [0] });
  });
});
