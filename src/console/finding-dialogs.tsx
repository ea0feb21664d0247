/** What is asked before a finding is judged or closed. */
import { useState } from 'preact/hooks';
import type { FindingDetailAnswer } from '../api/triage-schema.js';
import { Dialog } from './dialog.jsx';
import type { Notice } from './notice.jsx';
import { changeStatus, judge, meaningOf, VERDICT_NAMES, type VerdictWord } from './triage.js';

export interface FindingDialogProps {
  readonly finding: FindingDetailAnswer;
  readonly done: (notice: Notice) => void;
  readonly onClose: () => void;
}

export function VerdictDialog({ finding, verdict, done, onClose }: FindingDialogProps & { verdict: VerdictWord }) {
  const [comment, setComment] = useState('');
  return (
    <Dialog
      title={VERDICT_NAMES[verdict]}
      verb={`Say: ${VERDICT_NAMES[verdict].toLowerCase()}`}
      act={() => judge(finding, verdict, comment.trim()).then(done)}
      onClose={onClose}
    >
      <p>{meaningOf(verdict, finding.root)} It can be taken back.</p>
      <label for="verdict-comment">Comment, if you like</label>
      <input
        id="verdict-comment"
        type="text"
        maxLength={500}
        value={comment}
        onInput={(event) => setComment(event.currentTarget.value)}
      />
    </Dialog>
  );
}

const REASONS = [
  ['duplicate', 'it is told already'],
  ['other', 'something else'],
] as const;

export function CloseDialog({ finding, done, onClose }: FindingDialogProps) {
  const [resolution, setResolution] = useState<(typeof REASONS)[number][0]>('duplicate');
  const [comment, setComment] = useState('');
  const act = () => {
    const said = comment.trim() === '' ? {} : { comment: comment.trim() };
    return changeStatus(finding, { status: 'closed', resolution, ...said }).then(done);
  };
  return (
    <Dialog title="Close without a verdict" verb="Close it" act={act} onClose={onClose}>
      <p>Nothing is learned from it. The like of it is told again, and so is this one where it gets worse.</p>
      <fieldset>
        <legend>Why</legend>
        {REASONS.map(([value, words]) => (
          <label key={value} class="choice">
            <input
              type="radio"
              name="resolution"
              checked={resolution === value}
              onChange={() => setResolution(value)}
            />
            {words}
          </label>
        ))}
      </fieldset>
      <label for="close-comment">Comment, if you like</label>
      <input
        id="close-comment"
        type="text"
        maxLength={2_000}
        value={comment}
        onInput={(event) => setComment(event.currentTarget.value)}
      />
    </Dialog>
  );
}
