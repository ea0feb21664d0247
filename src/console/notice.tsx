/**
 * What came of the last thing that one did: a sentence, and the way back where there is one. It stays until the next, or
 * until one goes elsewhere.
 */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { type Failure, failureOf } from './client.js';
import { capital } from './words.js';

export interface Notice {
  readonly text?: string;
  readonly failure?: Failure;
  readonly undo?: () => Promise<unknown>;
}

type Say = (notice: Notice) => void;
const NoticeContext = createContext<Say>(() => undefined);
export const useNotice = (): Say => useContext(NoticeContext);

interface BoardProps {
  /** Where one is. */
  readonly where: string;
  readonly children: ComponentChildren;
}

export function NoticeBoard({ where, children }: BoardProps) {
  const [notice, setNotice] = useState<Notice | null>(null);
  useEffect(() => setNotice(null), [where]);
  return (
    <NoticeContext.Provider value={setNotice}>
      {children}
      <div class="notice-place" role="status">
        {notice !== null && <NoticeLine notice={notice} setNotice={setNotice} />}
      </div>
    </NoticeContext.Provider>
  );
}

interface LineProps {
  readonly notice: Notice;
  readonly setNotice: (next: Notice | null) => void;
}

function NoticeLine({ notice: { text, failure, undo }, setNotice }: LineProps) {
  const takeBack = () => {
    setNotice({ text: 'Taking it back…' });
    undo?.().then(
      () => setNotice({ text: 'Taken back.' }),
      (error: unknown) => setNotice({ failure: failureOf(error) }),
    );
  };
  return (
    <div class={failure === undefined ? 'notice' : 'notice failed'}>
      <p class="notice-text">
        {failure === undefined ? text : `${capital(failure.message)}. What helps: ${failure.next}.`}
      </p>
      {undo !== undefined && (
        <button type="button" onClick={takeBack}>
          Undo
        </button>
      )}
      <button type="button" onClick={() => setNotice(null)}>
        Dismiss
      </button>
    </div>
  );
}
