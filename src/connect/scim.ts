/**
 * Accounts of a directory that speaks SCIM 2.0 (RFC 7643, RFC 7644): a stop sets `active` to false, a release to true,
 * and a GET proves it. The account is found by one attribute; a directory that has two of it is not touched.
 */
import { type Applied, type Connector, isStop, type ReadBack, refused, type Wish } from './contract.js';
import { type Answered, exchange, failureOf, objectOf, urlOf } from './exchange.js';
import type { Secret } from './secret.js';
import { subjectOf } from './subject.js';

/** A bearer token, fetched where it has to be; or why there is none. */
export type Bearer = (signal: AbortSignal, isRefused: boolean) => Promise<{ token: string } | { answered: Answered }>;

export interface ScimOptions {
  readonly name: string;
  /** Up to and without the resource: 'https://id.example/scim/v2'. */
  readonly url: string;
  /** Resource of the accounts. */
  readonly resource: string;
  readonly attribute: 'userName' | 'externalId';
  /** What the agent is called there, with {tenant} and {agent}. */
  readonly subject: string;
  readonly bearer: Bearer;
  /** Whether an agent without an account is fine. */
  readonly ignoreUnknown: boolean;
}

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

type Found =
  | { readonly id: string; readonly active: boolean | null }
  | { readonly missing: string }
  | { readonly failure: Applied & { readonly done: false } };

/** The token stands in the environment or a file. */
export function fixedBearer(secret: Secret): Bearer {
  return async () => ({ token: secret() });
}

export function createScim(options: ScimOptions): Connector {
  const { name, url, resource, ignoreUnknown } = options;
  const ask = createAsk(options.bearer);

  const find = async (wish: Wish, signal: AbortSignal): Promise<Found> => {
    const subject = subjectOf(options.subject, wish);
    const filter = `${options.attribute} eq ${JSON.stringify(subject)}`;
    const answered = await ask('GET', urlOf(url, [resource], { filter, count: '2' }), undefined, signal);
    const found = 'answer' in answered && answered.answer.status === 200 ? objectOf(answered.answer.text) : null;
    if (found === null) return { failure: failureOf('SCIM lookup', answered) };
    const accounts = (Array.isArray(found['Resources']) ? found['Resources'] : []) as Record<string, unknown>[];
    const same = accounts.filter((account) => isSubject(account?.[options.attribute], subject));
    if (same.length === 0) return { missing: `it has no account with ${options.attribute} ${subject}` };
    const [{ id, active }] = same;
    if (same.length > 1 || typeof id !== 'string') {
      return {
        failure: { ...failureOf('', answered), reason: `it has several accounts of ${subject}`, fault: 'wish' },
      };
    }
    return { id, active: typeof active === 'boolean' ? active : null };
  };

  return {
    name,
    kind: 'scim',
    apply: async (wish, _key, signal) => {
      const found = await find(wish, signal);
      if ('failure' in found) return found.failure;
      if ('missing' in found) {
        return ignoreUnknown ? { done: true, note: found.missing, absent: true } : refused(found.missing);
      }
      const Operations = [{ op: 'replace', path: 'active', value: !isStop(wish) }];
      const body = JSON.stringify({ schemas: [PATCH_OP], Operations });
      const answered = await ask('PATCH', urlOf(url, [resource, found.id]), body, signal);
      const isDone = 'answer' in answered && [200, 204].includes(answered.answer.status);
      return isDone ? { done: true, note: null } : failureOf('SCIM change', answered);
    },
    readBack: async (wish, signal): Promise<ReadBack> => {
      const found = await find(wish, signal);
      if ('missing' in found) return { state: 'unknown', words: found.missing };
      if ('failure' in found) {
        return { state: 'unknown', words: found.failure.reason, fault: found.failure.fault === 'place' };
      }
      if (found.active === null) return { state: 'unknown', words: 'it does not say whether the account is active' };
      const words = `its account is ${found.active ? 'active' : 'not active'}`;
      return { state: found.active === !isStop(wish) ? 'in-force' : 'not-in-force', words };
    },
  };
}

/** RFC 7643 has user names compare without regard to case. */
function isSubject(value: unknown, subject: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === subject.toLowerCase();
}

/** With a bearer token that is fetched again once where it is refused. */
function createAsk(bearer: Bearer) {
  const type = 'application/scim+json';
  return async (
    method: 'GET' | 'PATCH',
    url: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<Answered> => {
    for (let isRefused = false; ; isRefused = true) {
      const given = await bearer(signal, isRefused);
      if ('answered' in given) return given.answered;
      const headers = { 'accept': type, 'content-type': type, 'authorization': `Bearer ${given.token}` };
      const answered = await exchange({ method, url, headers, signal, ...(body === undefined ? {} : { body }) });
      if (isRefused || 'silence' in answered || answered.answer.status !== 401) return answered;
    }
  };
}
