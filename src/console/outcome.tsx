/** What was done about a finding, in sentences, and whether it was seen to work. */
import type { DoneAnswer, FindingDetailAnswer } from '../api/triage-schema.js';
import { Time } from './marks.jsx';
import { plain } from './words.js';

export function Outcome({ finding: { done, root } }: { readonly finding: FindingDetailAnswer }) {
  return (
    <section aria-labelledby="done" class={`outcome ${done.proof}`}>
      <h2 id="done">What was done</h2>
      <p>{outcomeText(done)}</p>
      <p>
        <b>{statusText(root, done)}</b>
        {done.until_ms !== null && (
          <>
            {' '}
            It holds until <Time ms={done.until_ms} />.
          </>
        )}
      </p>
      {done.proof !== 'none' && <p>{PROOF_TEXT[done.proof]}</p>}
      {done.effects.length > 0 && (
        <ul>
          {done.effects.map(({ place, state, reason }) => (
            <li key={place}>
              {place}: {plain(state)}
              {reason !== null && `, ${reason}`}
            </li>
          ))}
        </ul>
      )}
      {done.approvals.length > 0 && <p>A person's leave is asked for: see killdeer approvals.</p>}
    </section>
  );
}

const PROOF_TEXT: Readonly<Record<DoneAnswer['proof'], string>> = {
  none: '',
  pending: 'Not verified yet: no place has confirmed it.',
  verified: 'Verified: every place that carries it out has confirmed it.',
  unverified: 'Not verified: at least one place did not carry it out.',
};

function outcomeText({ outcome, recommendation, held_back: heldBack }: DoneAnswer): string {
  if (outcome === 'waiting') return `To ${action(recommendation)} waits for a person.`;
  if (outcome === 'held-back') return `To ${action(heldBack)} was held back by the brakes.`;
  if (outcome === 'in-force') return 'The finding stopped its agent.';
  if (outcome === 'over') return 'The finding stopped its agent; that is over.';
  return 'The finding itself stopped nothing.';
}

function action(proposal: DoneAnswer['recommendation']): string {
  return proposal === null ? 'stop the agent' : `${plain(proposal.action)} ${proposal.agent}`;
}

function statusText(root: string, { status, calls_per_minute: calls }: DoneAnswer): string {
  if (status === 'unknown') return 'It is about no agent that could be stopped.';
  if (status === 'active') return `${root} is active: nothing holds it.`;
  return `${root} is ${status}${calls === null ? '' : ` to ${calls} calls a minute`}.`;
}
