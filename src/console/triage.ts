/** What people do with a finding, as calls. Each says in words what came of it. */

import type { ChangedAnswer, FindingStateAnswer, StatusBody } from '../api/triage-schema.js';
import type { FindingVerdictAnswer, VerdictBody } from '../api/verdict-schema.js';
import { call, post } from './client.js';
import type { Notice } from './notice.jsx';

export type VerdictWord = VerdictBody['verdict'];
type Named = Pick<FindingStateAnswer, 'id' | 'root'>;

/** How long a verdict is in force where nobody says otherwise: the server's own. */
export const VERDICT_DAYS = 14;

/** What a verdict leads to. */
export function meaningOf(verdict: VerdictWord, root: string): string {
  if (verdict === 'true-positive') {
    return `It was what it looked like. The like of it pages, and ${root} forgets what it learned of it.`;
  }
  const learns = verdict === 'expected' ? `${root} learns that it is usual` : `${root} learns nothing of it`;
  return `For ${VERDICT_DAYS} days the like of it at ${root} is a notice, unless it is twice as bad; ${learns}.`;
}

export const VERDICT_NAMES: Readonly<Record<VerdictWord, string>> = {
  expected: 'Expected',
  'false-positive': 'False positive',
  'true-positive': 'True positive',
};

const pathOf = (id: string, what: string) => `/v1/findings/${encodeURIComponent(id)}/${what}`;

/** null: nobody. */
export async function assign({ id }: Named, to: 'me' | null): Promise<Notice> {
  await post<ChangedAnswer>(pathOf(id, 'assign'), { to });
  const back = () => post(pathOf(id, 'assign'), { to: to === null ? 'me' : null });
  return { text: to === null ? 'Nobody has it now.' : 'It is yours now.', undo: back };
}

export async function judge({ id, root }: Named, verdict: VerdictWord, comment: string): Promise<Notice> {
  const body: VerdictBody = { finding: id, verdict, comment: comment === '' ? null : comment };
  const given = await post<FindingVerdictAnswer>('/v1/verdicts', body);
  const undo = () => call('DELETE', `/v1/verdicts/${encodeURIComponent(given.id)}`);
  return { text: `${VERDICT_NAMES[verdict]}. ${meaningOf(verdict, root)}`, undo };
}

export async function changeStatus({ id }: Named, body: StatusBody): Promise<Notice> {
  await post<ChangedAnswer>(pathOf(id, 'status'), body);
  return { text: body.status === 'closed' ? 'Closed.' : 'Open again.' };
}

export async function comment({ id }: Named, text: string): Promise<Notice> {
  await post<ChangedAnswer>(pathOf(id, 'comment'), { text });
  return { text: 'Your comment is in the timeline.' };
}
