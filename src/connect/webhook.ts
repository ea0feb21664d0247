/**
 * A place of one's own, told by a signed webhook (Standard Webhooks). It may offer an address where it says how an
 * agent stands with it; then a stop is proved, otherwise nobody knows whether it was carried out.
 */
import { type Applied, type Connector, keyOfWish, type ReadBack, type Wish } from './contract.js';
import { exchange, failureOf, objectOf } from './exchange.js';
import type { Secret } from './secret.js';
import { messageId, readKeys, signedHeaders } from './signature.js';
import { wordsOf } from './words.js';

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly secret: Secret;
  /** Answers GET with {"status": "..."} of the agent in its query; null: there is none. */
  readonly statusUrl: string | null;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** One signed message, delivered once. */
export interface Message {
  /** The same however often it is sent. */
  readonly key: string;
  readonly type: string;
  readonly timeMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Post = (message: Message, signal: AbortSignal) => Promise<Applied>;

/** Throws 'config.invalid' where the secret is none. */
export function createPost({ name, url, secret, now }: Omit<WebhookOptions, 'statusUrl'>): Post {
  readKeys(name, secret());
  return async ({ key, type, timeMs, data }, signal) => {
    const body = JSON.stringify({ type, timestamp: new Date(timeMs).toISOString(), data: { ...data, key } });
    const signed = signedHeaders(readKeys(name, secret()), messageId(key), now(), body);
    const headers = { 'content-type': 'application/json', ...signed };
    const answered = await exchange({ method: 'POST', url, headers, body, signal });
    if ('answer' in answered && answered.answer.status >= 200 && answered.answer.status < 300) {
      return { done: true, note: null };
    }
    return failureOf('webhook', answered);
  };
}

export function createWebhook(options: WebhookOptions): Connector {
  const { name, secret, statusUrl, now } = options;
  const post = createPost(options);
  const told: Connector = {
    name,
    kind: 'webhook',
    apply: (wish, key, signal) => post(messageOf(wish, key), signal),
  };
  if (statusUrl === null) return told;
  return {
    ...told,
    readBack: async (wish, signal) => {
      const url = new URL(statusUrl);
      url.searchParams.set('tenant', wish.tenant);
      url.searchParams.set('agent', wish.agent);
      // Signed like a message with an empty body: the place may refuse to tell strangers how an agent stands.
      const headers = signedHeaders(readKeys(name, secret()), messageId(keyOfWish(wish)), now(), '');
      return standingOf(wish, await exchange({ method: 'GET', url: url.href, headers, signal }));
    },
  };
}

export function messageOf(wish: Wish, key: string): Message {
  const { tenant, agent, version, root, status, action, reason, untilMs, callsPerMinute, owner, parent, by } = wish;
  return {
    key,
    type: `agent.${status}`,
    timeMs: wish.timeMs,
    data: {
      text: wordsOf(wish),
      ...{ tenant, agent, version, status, action, reason, owner, parent, by },
      cascade_of: root,
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
      calls_per_minute: callsPerMinute,
    },
  };
}

function standingOf(wish: Wish, answered: Awaited<ReturnType<typeof exchange>>): ReadBack {
  if ('silence' in answered) return { state: 'unknown', words: `its status: ${answered.silence}`, fault: true };
  const { status, text } = answered.answer;
  if (status !== 200) return { state: 'unknown', words: `its status: answered with ${status}`, fault: status >= 500 };
  const standing = objectOf(text)?.['status'];
  if (standing === wish.status) return { state: 'in-force', words: `it says ${wish.status}` };
  const said = typeof standing === 'string' && /^[a-z-]{1,40}$/.test(standing) ? standing : 'nothing that is a status';
  return { state: 'not-in-force', words: `it says ${said}` };
}
