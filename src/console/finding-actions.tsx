/** What one may do with a finding. Whatever cannot be seen at a glance asks first, and says what it means. */
import { useState } from 'preact/hooks';
import type { FindingDetailAnswer } from '../api/triage-schema.js';
import { failureOf } from './client.js';
import { CloseDialog, VerdictDialog } from './finding-dialogs.jsx';
import { type Notice, useNotice } from './notice.jsx';
import { usePerson } from './person.js';
import { ReleaseDialog, SuspendDialog } from './stop-dialogs.jsx';
import { assign, changeStatus, VERDICT_NAMES, type VerdictWord } from './triage.js';

interface ActionsProps {
  readonly finding: FindingDetailAnswer;
  readonly doing: string | null;
  readonly reload: () => void;
  /** After a dialog was closed. */
  readonly onDone: () => void;
}

type Asked = VerdictWord | 'close' | 'suspend' | 'release' | null;
const VERDICTS: readonly VerdictWord[] = ['true-positive', 'expected', 'false-positive'];

export function FindingActions({ finding, doing, reload, onDone }: ActionsProps) {
  const person = usePerson();
  const say = useNotice();
  const { status } = finding.done;
  const canStop = person.isResponder && status !== 'unknown';
  const isHeld = status !== 'active' && status !== 'unknown';
  const canSuspend = canStop && status !== 'suspended' && status !== 'revoked';
  const [asked, setAsked] = useState<Asked>(doing === 'suspend' && canSuspend ? 'suspend' : null);
  const isMine = finding.assignee === person.name;

  const told = (notice: Notice) => {
    const { undo } = notice;
    say(undo === undefined ? notice : { ...notice, undo: () => undo().then(reload) });
    reload();
  };
  const run = (work: Promise<Notice>) => {
    work.then(told, (error: unknown) => say({ failure: failureOf(error) }));
  };
  const dialog = { finding, done: told, onClose: () => close() };
  const close = () => {
    setAsked(null);
    onDone();
  };
  return (
    <section class="actions" aria-label="What to do">
      <button type="button" onClick={() => run(assign(finding, isMine ? null : 'me'))}>
        {isMine ? 'Give it back' : 'Assign to me'}
      </button>
      {VERDICTS.map((verdict) => (
        <button type="button" key={verdict} onClick={() => setAsked(verdict)}>
          {VERDICT_NAMES[verdict]}…
        </button>
      ))}
      {finding.status === 'closed' ? (
        <button type="button" onClick={() => run(changeStatus(finding, { status: 'in-progress' }))}>
          Open again
        </button>
      ) : (
        <button type="button" onClick={() => setAsked('close')}>
          Close…
        </button>
      )}
      {canSuspend && (
        <button type="button" class="grave" onClick={() => setAsked('suspend')}>
          Suspend…
        </button>
      )}
      {canStop && isHeld && (
        <button type="button" class="strong" onClick={() => setAsked('release')}>
          Release…
        </button>
      )}
      {asked === 'close' && <CloseDialog {...dialog} />}
      {asked === 'suspend' && <SuspendDialog {...dialog} />}
      {asked === 'release' && <ReleaseDialog {...dialog} />}
      {VERDICTS.map((verdict) => asked === verdict && <VerdictDialog key={verdict} verdict={verdict} {...dialog} />)}
    </section>
  );
}
