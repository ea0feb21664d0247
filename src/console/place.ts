/** Where one is, which stands behind the # of the address: so every view is a link, and the server knows one page only. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  /** 'queue', or 'findings' and an id. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

const LOGIN = '#login=';
/** Kept over a login that leads through another site, and over the life of a session. */
const KEPT = 'killdeer.place';

export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** What nobody could have made a link of stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function findingLink(id: string, doing?: 'suspend'): string {
  return `#/findings/${encodeURIComponent(id)}${doing === undefined ? '' : `?do=${doing}`}`;
}

/** The code of a login link in the address; null: it holds none. */
export function loginCode(hash: string): string | null {
  return hash.startsWith(LOGIN) ? hash.slice(LOGIN.length) : null;
}

export function keepPlace(): void {
  if (loginCode(location.hash) === null && location.hash !== '') sessionStorage.setItem(KEPT, location.hash);
}

/** Goes where one was before the login, and takes the code out of the address and of the history. */
export function returnToPlace(): void {
  const hash = loginCode(location.hash) === null && location.hash !== '' ? location.hash : null;
  const kept = hash ?? sessionStorage.getItem(KEPT) ?? '#/queue';
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, '', kept);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

let queue = '#/queue';

/** Where the queue was left, with its filters. */
export const queueLeft = (): string => queue;

function rememberQueue(address: string): void {
  const at = address.indexOf('#');
  const hash = at === -1 ? '' : address.slice(at);
  if (placeOf(hash).path[0] === 'queue') queue = hash;
}

export function go(hash: string): void {
  location.hash = hash;
}

export function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = ({ oldURL }: HashChangeEvent) => {
      // As it is left: keys are faster than a page that is drawn anew.
      rememberQueue(oldURL);
      setHash(location.hash);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return hash;
}
