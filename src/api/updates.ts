/**
 * What changed on the board, for pages that stay open: which finding, as it is now, or which agent. Nothing is kept
 * but positions; whoever was away for too long, or comes from another process, is told to read anew.
 */
import { randomBytes } from 'node:crypto';
import type { FindingState, TriageBoard, TriageEvent } from '../triage/triage.js';
import type { StreamSource, StreamWords } from './streams.js';
import { summaryView } from './triage-view.js';

/** An event with the finding that it is about, as it is now. */
export interface Update extends TriageEvent {
  readonly state: FindingState | null;
}

export interface Updates {
  readonly source: StreamSource<Update>;
  readonly words: StreamWords<Update>;
  /** `RUN-SEQ`: sequence numbers mean something in one process alone. */
  id(position: number): string;
  /** -1, which is too old, where it is no id of this process. */
  position(id: string): number;
}

export function createUpdates(board: TriageBoard): Updates {
  const run = randomBytes(6).toString('hex');
  const id = (position: number) => `${run}-${position}`;
  return {
    id,
    position: (given) => (new RegExp(`^${run}-\\d{1,15}$`).test(given) ? Number(given.slice(run.length + 1)) : -1),
    words: {
      event: (update) => ({ type: update.type, data: dataOf(update) }),
      reset: (position) => ({ updates: id(position) }),
      heartbeat: (position) => ({ updates: id(position) }),
      id,
    },
    source: {
      position: () => board.seq,
      since: (position, max) => {
        const events = position < 0 || position > board.seq ? null : board.since(position, max);
        if (events === null) return null;
        const steps = latest(events).map((event) => ({ next: event.seq, events: updateOf(board, event) }));
        return { steps, next: events.at(-1)?.seq ?? position };
      },
      subscribe: (listener) => board.subscribe(listener),
    },
  };
}

/** A finding that changed several times in one go is told once. */
function latest(events: readonly TriageEvent[]): TriageEvent[] {
  const told = new Map<string, number>();
  for (const event of events) told.set(subjectOf(event), event.seq);
  return events.filter((event) => told.get(subjectOf(event)) === event.seq);
}

function subjectOf({ type, tenant, agent, finding }: TriageEvent): string {
  return finding ?? JSON.stringify([type, tenant, agent]);
}

/** Of a finding that was forgotten since, nothing is told. */
function updateOf(board: TriageBoard, event: TriageEvent): Update[] {
  if (event.finding === null) return [{ ...event, state: null }];
  const state = board.get(event.finding);
  return state === null ? [] : [{ ...event, state }];
}

function dataOf({ tenant, agent, state }: Update): object {
  return state === null ? { tenant, agent } : summaryView(state);
}
