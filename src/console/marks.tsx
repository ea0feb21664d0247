/** Small marks that several pages show. Each says in words what its colour says. */
import type { FindingStateAnswer } from '../api/triage-schema.js';
import { fullTimeText, plain, timeText } from './words.js';

export function SeverityMark({ severity }: Pick<FindingStateAnswer, 'severity'>) {
  return <span class={`severity ${severity}`}>{severity}</span>;
}

export function Time({ ms }: { readonly ms: number }) {
  return (
    <time dateTime={new Date(ms).toISOString()} title={fullTimeText(ms)}>
      {timeText(ms)}
    </time>
  );
}

type Standing = Pick<FindingStateAnswer, 'status' | 'resolution' | 'assignee'>;

/** 'new', 'in progress, ada has it', 'closed as expected' */
export function standingText({ status, resolution, assignee }: Standing): string {
  const closed = resolution === null ? 'closed' : `closed as ${plain(resolution)}`;
  const word = status === 'closed' ? closed : plain(status);
  return assignee === null ? word : `${word}, ${assignee} has it`;
}
