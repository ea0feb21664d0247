/** What is asked before an agent is suspended or released: whom it befalls, and for how long. */
import { useState } from 'preact/hooks';
import type { TreeAnswer } from '../api/profile-schema.js';
import type { ReleaseBody, StopBody, VerdictAnswer } from '../api/schema.js';
import { agentPath, get, post } from './client.js';
import { Dialog } from './dialog.jsx';
import type { FindingDialogProps } from './finding-dialogs.jsx';
import { useLoaded } from './load.js';
import type { Notice } from './notice.jsx';
import { countText, durationText } from './words.js';

const HOUR_MS = 3_600_000;
const LENGTHS: readonly (number | null)[] = [HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS, null];
const REASON_MAX = 500;

export function SuspendDialog({ finding, done, onClose }: FindingDialogProps) {
  const { root, tenant, title } = finding;
  const [forMs, setForMs] = useState<number | null>(HOUR_MS);
  const [reason, setReason] = useState(title.slice(0, REASON_MAX));
  const whom = useWhom(root, tenant);
  const act = async () => {
    const body: StopBody = { action: 'suspend', reason: reason.trim(), for_ms: forMs };
    done(saidOf(await post<VerdictAnswer>(agentPath(root, tenant, 'stop'), body), `${root} is suspended.`));
  };
  return (
    <Dialog title={`Suspend ${root}`} verb={`Suspend ${root}`} isGrave act={act} onClose={onClose}>
      <p class="consequence">
        Refuses all calls of {whom} {forMs === null ? 'until somebody releases it' : `for ${durationText(forMs)}`}.
      </p>
      <label for="for">How long</label>
      <select
        id="for"
        value={String(forMs)}
        onChange={(event) => setForMs(event.currentTarget.value === 'null' ? null : Number(event.currentTarget.value))}
      >
        {LENGTHS.map((ms) => (
          <option key={String(ms)} value={String(ms)}>
            {ms === null ? 'until it is released' : durationText(ms)}
          </option>
        ))}
      </select>
      <Reason reason={reason} setReason={setReason} />
    </Dialog>
  );
}

export function ReleaseDialog({ finding, done, onClose }: FindingDialogProps) {
  const { root, tenant } = finding;
  const [reason, setReason] = useState('');
  const [isMistake, setMistake] = useState(false);
  const whom = useWhom(root, tenant);
  const act = async () => {
    const body: ReleaseBody = { reason: reason.trim(), ...(isMistake ? { mistake: true } : {}) };
    done(saidOf(await post<VerdictAnswer>(agentPath(root, tenant, 'release'), body), `${root} is released.`));
  };
  return (
    <Dialog title={`Release ${root}`} verb={`Release ${root}`} act={act} onClose={onClose}>
      <p class="consequence">Lets the calls of {whom} through again at once. What goes wrong then is told anew.</p>
      <Reason reason={reason} setReason={setReason} />
      <label class="choice">
        <input type="checkbox" checked={isMistake} onChange={(event) => setMistake(event.currentTarget.checked)} />
        The stop was wrong: a policy on a ladder begins its step anew
      </label>
    </Dialog>
  );
}

interface ReasonProps {
  readonly reason: string;
  readonly setReason: (next: string) => void;
}

function Reason({ reason, setReason }: ReasonProps) {
  return (
    <>
      <label for="reason">Reason, for the record</label>
      <input
        id="reason"
        type="text"
        required
        maxLength={REASON_MAX}
        value={reason}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
    </>
  );
}

/** '1 agent and its 3 sub-agents' */
function useWhom(root: string, tenant: string): string {
  const [tree] = useLoaded(() => get<TreeAnswer>(agentPath(root, tenant, 'tree')), [root, tenant]);
  if (tree.state === 'loading') return '1 agent and its sub-agents (being counted)';
  if (tree.state === 'failed') return '1 agent and its sub-agents (they could not be counted)';
  return whomText(tree.value);
}

/** Those above it are not stopped with it. */
export function whomText({ agents, total, hidden }: Pick<TreeAnswer, 'agents' | 'total' | 'hidden'>): string {
  const above = agents.filter(({ depth }) => depth < 0).length;
  const below = total - above - 1;
  const unseen = hidden === 0 ? '' : ` (${hidden} of them not yours to see)`;
  return below === 0 ? '1 agent' : `1 agent and its ${countText(below, 'sub-agent')}${unseen}`;
}

/** The registry may have decided otherwise than was asked. */
function saidOf({ effect, reason }: VerdictAnswer, done: string): Notice {
  if (effect === 'applied' || effect === 'duplicate') return { text: done };
  return { text: `The registry answered '${effect}'${reason === null ? '' : `: ${reason}`}.` };
}
