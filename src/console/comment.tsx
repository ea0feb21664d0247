/** Something said about a finding. What was begun stays, also over a session that ends. */
import { useState } from 'preact/hooks';
import type { FindingDetailAnswer } from '../api/triage-schema.js';
import { failureOf } from './client.js';
import { useNotice } from './notice.jsx';
import { comment } from './triage.js';

interface CommentProps {
  readonly finding: FindingDetailAnswer;
  readonly reload: () => void;
}

export function Comment({ finding, reload }: CommentProps) {
  const key = `killdeer.comment.${finding.id}`;
  const [text, setText] = useState(sessionStorage.getItem(key) ?? '');
  const say = useNotice();
  const write = (next: string) => {
    setText(next);
    if (next === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, next);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    comment(finding, text.trim()).then(
      (notice) => {
        write('');
        say(notice);
        reload();
      },
      (error: unknown) => say({ failure: failureOf(error) }),
    );
  };
  return (
    <form onSubmit={submit} class="comment">
      <label for="comment">Comment</label>
      <textarea
        id="comment"
        rows={3}
        maxLength={2_000}
        value={text}
        onInput={(event) => write(event.currentTarget.value)}
      />
      <button type="submit" disabled={text.trim() === ''}>
        Say it
      </button>
    </form>
  );
}
