/**
 * Keycloak by its admin REST interface: agents are clients with a service account, or users. A stop disables the
 * subject, makes every token that it holds invalid from now on and ends its sessions; reading it back proves the first.
 */
import { type Applied, type Connector, isStop, type ReadBack, refused, type Wish } from './contract.js';
import { type Answered, type Call, exchange, failureOf, urlOf } from './exchange.js';
import type { Bearer } from './scim.js';
import { subjectOf } from './subject.js';

export interface KeycloakOptions {
  readonly name: string;
  /** Without the realm: 'https://id.example'. */
  readonly url: string;
  readonly realm: string;
  readonly subjects: 'client' | 'user';
  /** The client id or user name of an agent, with {tenant} and {agent}. */
  readonly subject: string;
  readonly bearer: Bearer;
  /** Whether an agent that is not there is fine. */
  readonly ignoreUnknown: boolean;
  /** Wall clock, ms. */
  readonly now: () => number;
}

type Ask = (method: Call['method'], path: readonly string[], more: Asked, signal: AbortSignal) => Promise<Answered>;

interface Asked {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

type Found =
  | { readonly id: string; readonly enabled: unknown }
  | { readonly missing: string }
  | { readonly failure: Applied & { readonly done: false } };

export function createKeycloak(options: KeycloakOptions): Connector {
  const { name, subjects, ignoreUnknown } = options;
  const ask = createAsk(options);
  const folder = subjects === 'client' ? 'clients' : 'users';
  const find = (wish: Wish, signal: AbortSignal) => findSubject(ask, options, wish, signal);

  return {
    name,
    kind: 'keycloak',
    apply: async (wish, _key, signal) => {
      const found = await find(wish, signal);
      if ('failure' in found) return found.failure;
      if ('missing' in found) {
        return ignoreUnknown ? { done: true, note: found.missing, absent: true } : refused(found.missing);
      }
      const seconds = Math.floor(options.now() / 1_000);
      const notBefore = subjects === 'client' && isStop(wish) ? { notBefore: seconds } : {};
      const body = { enabled: !isStop(wish), ...notBefore };
      const answered = await ask('PUT', [folder, found.id], { body }, signal);
      if (!isOk(answered)) return failureOf('Keycloak change', answered);
      return isStop(wish) ? endSessions(ask, subjects, found.id, signal) : { done: true, note: null };
    },
    readBack: async (wish, signal): Promise<ReadBack> => {
      const found = await find(wish, signal);
      if ('missing' in found) return { state: 'unknown', words: found.missing };
      if ('failure' in found) {
        return { state: 'unknown', words: found.failure.reason, fault: found.failure.fault === 'place' };
      }
      const words = `its ${subjects} is ${found.enabled === true ? 'enabled' : 'disabled'}`;
      return { state: (found.enabled === true) === !isStop(wish) ? 'in-force' : 'not-in-force', words };
    },
  };
}

async function findSubject(
  ask: Ask,
  { subjects, subject }: KeycloakOptions,
  wish: Wish,
  signal: AbortSignal,
): Promise<Found> {
  const name = subjectOf(subject, wish);
  const isClient = subjects === 'client';
  const query: Record<string, string> = isClient ? { clientId: name } : { username: name, exact: 'true' };
  const answered = await ask('GET', [isClient ? 'clients' : 'users'], { query }, signal);
  const list = isOk(answered) ? listOf(answered) : null;
  if (list === null) return { failure: failureOf('Keycloak lookup', answered) };
  // User names are kept in lower case there.
  const isNamed = (one: Record<string, unknown>) =>
    isClient ? one['clientId'] === name : String(one['username']).toLowerCase() === name.toLowerCase();
  const found = list.find(isNamed);
  if (found === undefined || typeof found['id'] !== 'string') return { missing: `it has no ${subjects} ${name}` };
  return { id: found['id'], enabled: found['enabled'] };
}

/** A client's sessions are those of its service account; one without such an account has none of its own. */
async function endSessions(ask: Ask, subjects: 'client' | 'user', id: string, signal: AbortSignal): Promise<Applied> {
  let user: string | null = id;
  if (subjects === 'client') {
    const account = await ask('GET', ['clients', id, 'service-account-user'], {}, signal);
    const status = 'answer' in account ? account.answer.status : 0;
    if (!isOk(account) && status !== 400 && status !== 404) return failureOf('Keycloak service account', account);
    user = isOk(account) ? idOf(account) : null;
  }
  if (user === null) return { done: true, note: null };
  const ended = await ask('POST', ['users', user, 'logout'], {}, signal);
  return isOk(ended) ? { done: true, note: null } : failureOf('Keycloak sessions', ended);
}

/** With a token that is fetched again once where it is refused. */
function createAsk({ url, realm, bearer }: KeycloakOptions): Ask {
  return async (method, path, { query = {}, body }, signal) => {
    const address = urlOf(url, ['admin', 'realms', realm, ...path], query);
    for (let isRefused = false; ; isRefused = true) {
      const given = await bearer(signal, isRefused);
      if ('answered' in given) return given.answered;
      const headers = { 'content-type': 'application/json', 'authorization': `Bearer ${given.token}` };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answered = await exchange({ method, url: address, headers, signal, ...text });
      if (isRefused || 'silence' in answered || answered.answer.status !== 401) return answered;
    }
  };
}

function isOk(answered: Answered): answered is Extract<Answered, { answer: unknown }> {
  return 'answer' in answered && answered.answer.status >= 200 && answered.answer.status < 300;
}

function listOf({ answer }: Extract<Answered, { answer: unknown }>): Record<string, unknown>[] | null {
  try {
    const list: unknown = JSON.parse(answer.text);
    return Array.isArray(list) ? list : null;
  } catch {
    return null;
  }
}

function idOf({ answer }: Extract<Answered, { answer: unknown }>): string | null {
  try {
    const { id } = JSON.parse(answer.text) as { id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
