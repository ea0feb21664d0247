/** What stands around every page: where one can go, who one is, and the way out. */
import type { ComponentChildren } from 'preact';
import type { SessionAnswer } from '../api/session-schema.js';
import { call, failureOf } from './client.js';
import { useNotice } from './notice.jsx';
import { usePerson } from './person.js';
import { zoneText } from './words.js';

interface FrameProps {
  readonly session: SessionAnswer;
  readonly onLeave: () => void;
  readonly children: ComponentChildren;
}

export function Frame({ session, onLeave, children }: FrameProps) {
  const person = usePerson();
  const say = useNotice();
  const logOut = () => {
    call('DELETE', '/v1/session').then(onLeave, (error: unknown) => say({ failure: failureOf(error) }));
  };
  return (
    <>
      <header class="frame">
        <a class="brand" href="#/queue">
          Killdeer
        </a>
        <nav aria-label="Pages">
          <a href="#/queue">Queue</a>
        </nav>
        <p class="who">
          <span>{person.name}</span> <span class="quiet-text">{rightsText(session)}</span>
        </p>
        <button type="button" onClick={logOut}>
          Log out
        </button>
      </header>
      <main>{children}</main>
      <footer class="frame quiet-text">
        Times are in {zoneText()}. <kbd>?</kbd> shows the keys.
      </footer>
    </>
  );
}

/** Of the roles that build on each other, the highest; and whether it holds for some agents only. */
function rightsText({ roles, agents, tenants }: SessionAnswer): string {
  const highest = ['admin', 'responder', 'analyst', 'viewer'].find((role) => (roles as string[]).includes(role));
  const isBound = agents !== null || tenants !== null;
  return `${highest ?? roles.join(', ')}${isBound ? ', of some agents' : ''}`;
}
