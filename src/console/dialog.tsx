/** Asks before something is done, and says what it means. Escape and Cancel do nothing. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Failure, failureOf } from './client.js';
import { capital } from './words.js';

interface DialogProps {
  readonly title: string;
  /** What confirms it. */
  readonly verb: string;
  /** It takes something away from an agent. */
  readonly isGrave?: boolean;
  readonly act: () => Promise<unknown>;
  /** After it was done, or was not. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, verb, isGrave = false, act, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => box.current?.showModal(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    act().then(onClose, (error: unknown) => {
      setFailure(failureOf(error));
      setBusy(false);
    });
  };
  return (
    <dialog ref={box} onClose={onClose} aria-labelledby="dialog-title">
      <form class="dialog-form" onSubmit={submit}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {failure !== null && (
          <p class="warning" role="alert">
            {capital(failure.message)}. What helps: {failure.next}.
          </p>
        )}
        <p class="buttons">
          <button type="submit" class={isGrave ? 'grave' : 'strong'} disabled={isBusy}>
            {isBusy ? 'Doing it…' : verb}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}
