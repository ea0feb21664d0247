/** The whole: who is there, and which page they are on. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { SessionAnswer } from '../api/session-schema.js';
import { callAs, failureOf, get, post, whenStranger } from './client.js';
import { FindingPage } from './finding-page.jsx';
import { Frame } from './frame.jsx';
import { LoginPage } from './login-page.jsx';
import { NoticeBoard } from './notice.jsx';
import { PersonContext, personOf } from './person.js';
import { keepPlace, loginCode, type Place, placeOf, returnToPlace, useHash } from './place.js';
import { QueuePage } from './queue-page.jsx';

/** null: nobody; 'asking': it is not known yet. */
type Who = SessionAnswer | 'asking' | null;

export function App() {
  const [who, setWho] = useState<Who>('asking');
  const [why, setWhy] = useState<string | null>(null);
  const hash = useHash();

  const enter = useCallback((session: SessionAnswer) => {
    callAs(session);
    setWhy(null);
    setWho(session);
    returnToPlace();
  }, []);
  const leave = useCallback((reason: string | null) => {
    keepPlace();
    callAs(null);
    setWhy(reason);
    setWho(null);
  }, []);
  const logIn = useCallback((code: string) => {
    post<SessionAnswer>('/v1/sessions', { code }).then(enter, (error: unknown) => {
      returnToPlace();
      // A link that is used up takes nobody's session away.
      get<SessionAnswer>('/v1/session').then(enter, () => leave(failureOf(error).message));
    });
  }, []);

  useEffect(() => {
    if (loginCode(hash) !== null) logIn(loginCode(hash) as string);
  }, [hash]);
  useEffect(() => {
    if (loginCode(location.hash) === null) {
      get<SessionAnswer>('/v1/session').then(enter, (error: unknown) => {
        const failure = failureOf(error);
        leave(failure.status === 401 ? null : failure.message);
      });
    }
  }, []);
  useEffect(() => {
    whenStranger(() => leave('Your session has ended. Log in again, and go on where you were.'));
    if (who === 'asking') whenStranger(() => undefined);
  }, [who]);

  if (who === 'asking') return <p class="loading page">Asking who you are…</p>;
  if (who === null) return <LoginPage why={why} logIn={logIn} />;
  return (
    <PersonContext.Provider value={personOf(who)}>
      <NoticeBoard where={placeOf(hash).path.join('/')}>
        <Frame session={who} onLeave={() => leave(null)}>
          <Page place={placeOf(hash)} />
        </Frame>
      </NoticeBoard>
    </PersonContext.Provider>
  );
}

function Page({ place }: { readonly place: Place }) {
  const [room = 'queue', id] = place.path;
  if (room === 'queue') return <QueuePage key="queue" query={place.query} />;
  if (room === 'findings' && id !== undefined) return <FindingPage key={id} id={id} doing={place.query.get('do')} />;
  return (
    <section class="page">
      <h1>Nothing is here</h1>
      <p>
        This address leads nowhere. <a href="#/queue">Go to the queue</a>
      </p>
    </section>
  );
}
