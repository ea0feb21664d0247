import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import type { TriageBoard, TriageInput } from '../../src/triage/triage.js';
import { FINDING_SORTS } from '../../src/triage/triage.js';
import { board, close, HOUR_MS, idOf, judged, line, MINUTE_MS, NOW_MS, stop, triage, undo, verdict } from './world.js';

type Step = { readonly line: Finding } | { readonly change: TriageInput };

/** Everything that can be asked of a board. */
function answersOf(made: TriageBoard) {
  const ids = made.list({}, 'last', 1_000, null).rows.map(({ finding }) => finding.id);
  return {
    lists: FINDING_SORTS.map((sort) => made.list({}, sort, 1_000, null)),
    cases: FINDING_SORTS.map((sort) => made.cases({}, sort, 1_000, null)),
    timelines: ids.map((id) => made.timeline(id)),
    caseTimelines: made.cases({}, 'last', 1_000, null).rows.map(({ id }) => made.caseTimeline(id)),
    risks: ['a', 'b', 'c', 'd'].map((root) => made.risk('', root, NOW_MS + 30 * HOUR_MS)),
    precision: made.precision(),
    pages: made.pages(NOW_MS + 10 * HOUR_MS),
  };
}

const AGENTS = ['a', 'b', 'c', 'd', 'fleet'] as const;
const linesOf = (partition: number) =>
  fc
    .array(
      fc.record({
        id: fc.nat(5),
        afterMs: fc.nat(40).map((n) => n * 4 * MINUTE_MS),
        kind: fc.constantFrom('rate-burst', 'spend', 'quiet'),
        severity: fc.constantFrom('low', 'medium', 'high'),
        names: fc.option(fc.nat(5)),
      }),
      { maxLength: 10 },
    )
    .map((drawn) => {
      drawn.sort((x, y) => x.afterMs - y.afterMs);
      return drawn.map(({ id, afterMs, kind, severity, names }): Finding => {
        const agent = AGENTS[(id + partition) % AGENTS.length];
        const title =
          names === null ? `${agent} is busy` : `${agent} fails; so do others (${idOf(partition * 10 + names)})`;
        return line(partition * 10 + id, afterMs, { agent, kind, severity, title } as Partial<Finding>);
      });
    });
const finding = fc
  .record({ partition: fc.nat(2), id: fc.nat(5) })
  .map(({ partition, id }) => idOf(partition * 10 + id));
const act = fc.oneof(
  fc.record({ what: fc.constant('close'), of: finding }),
  fc.record({ what: fc.constant('open'), of: finding }),
  fc.record({ what: fc.constant('comment'), of: finding }),
  fc.record({ what: fc.constant('assign'), of: finding }),
  fc.record({ what: fc.constant('expected'), of: finding }),
  fc.record({ what: fc.constant('true-positive'), of: finding }),
  fc.record({ what: fc.constant('undo'), of: finding }),
  fc.record({ what: fc.constant('stop'), of: finding }),
);

function recordOf({ what, of }: { what: string; of: string }, i: number): RegistryRecord {
  const afterMs = i * 9 * MINUTE_MS + 7;
  switch (what) {
    case 'close':
      return close(afterMs, of);
    case 'open':
      return triage(afterMs, [of], { what: 'status', status: 'in-progress', resolution: null });
    case 'comment':
      return triage(afterMs, [of], { what: 'comment', text: `at ${i}` });
    case 'assign':
      return triage(afterMs, [of], { what: 'assign', to: 'bea' });
    case 'undo':
      return undo(afterMs, `v-${of}`);
    case 'stop':
      return stop(afterMs, 'a');
    default:
      return verdict(afterMs, line(0, 0, { id: of, agent: 'a' }), what as 'expected', `v-${of}`);
  }
}

/** Takes the queues' heads in the order that the draws name. */
function interleave(queues: readonly (readonly Step[])[], draws: readonly number[]): Step[] {
  const left = queues.map((queue) => [...queue]);
  const merged: Step[] = [];
  for (let i = 0; left.some((queue) => queue.length > 0); i++) {
    const some = left.filter((queue) => queue.length > 0);
    merged.push(some[(draws[i % draws.length] ?? 0) % some.length].shift() as Step);
  }
  return merged;
}

function playOn(made: TriageBoard, steps: readonly Step[], askEvery: number): TriageBoard {
  for (const [i, step] of steps.entries()) {
    if ('line' in step) made.add(step.line);
    else made.note(step.change);
    // What was asked in between must not show either.
    if (i % askEvery === 0) made.cases({}, 'risk', 2, made.list({}, 'risk', 1, null).cursor);
  }
  return made;
}

it('shows the same in whatever order the lines of several partitions and the registry arrive', () => {
  const draws = fc.array(fc.nat(3), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      linesOf(0),
      linesOf(1),
      linesOf(2),
      fc.array(act, { maxLength: 15 }),
      draws,
      draws,
      (p0, p1, p2, acts, one, other) => {
        const partitions = [p0, p1, p2].map((lines) => lines.map((of): Step => ({ line: of })));
        const changes = judged(acts.map(recordOf)).map((change): Step => ({ change }));
        const queues = [...partitions, changes];
        const first = answersOf(playOn(board(), interleave(queues, one), 3));
        const second = answersOf(playOn(board(), interleave(queues, other), 1_000));
        expect(second).toEqual(first);
      },
    ),
    { numRuns: 200 },
  );
});
