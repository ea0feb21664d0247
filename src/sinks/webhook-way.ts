/**
 * Messages to an address, signed as Standard Webhooks has it. The body is what the format asks for: an envelope with
 * the things in it, an array of OCSF documents, or a text as chats take it.
 */
import type { Applied } from '../connect/contract.js';
import { exchange, failureOf, requireAddress } from '../connect/exchange.js';
import { openSecret, type Secret } from '../connect/secret.js';
import { messageId, readKeys, signedHeaders } from '../connect/signature.js';
import { inertJson } from '../render/inert.js';
import type { Batch, Way } from './contract.js';
import type { SinkConfig, SinkOf } from './section.js';

const SECTION = 'sinks';

/** Throws 'config.invalid' where the address or a secret will not do. `resolvePath` makes paths absolute. */
export function openWebhookWay(
  config: SinkOf<'webhook'>,
  resolvePath: (path: string) => string,
  now: () => number,
): Way {
  const { name, url, insecure, format } = config;
  requireAddress(name, url, insecure, SECTION);
  const secret = secretOf(config, resolvePath);
  if (secret !== null) readKeys(name, secret(), SECTION);
  const { authorization_env: env } = config;
  const authorization = env === null ? null : openSecret(name, { env, file: null }, SECTION);
  return {
    send: async (batch, signal) => {
      const body = inertJson(bodyOf(batch, format));
      const id = messageId(batch.key);
      const signed =
        secret === null ? { 'webhook-id': id } : signedHeaders(readKeys(name, secret(), SECTION), id, now(), body);
      const headers = {
        'content-type': 'application/json',
        ...signed,
        ...(authorization === null ? {} : { authorization: authorization() }),
      };
      return appliedOf(await exchange({ method: 'POST', url, headers, body, signal }));
    },
    close: async () => undefined,
  };
}

function secretOf(
  { name, secret_env: env, secret_file: file }: SinkOf<'webhook'>,
  resolvePath: (path: string) => string,
): Secret | null {
  if (env === null && file === null) return null;
  return openSecret(name, { env, file: file === null ? null : resolvePath(file) }, SECTION);
}

function appliedOf(answered: Awaited<ReturnType<typeof exchange>>): Applied {
  const isTaken = 'answer' in answered && answered.answer.status >= 200 && answered.answer.status < 300;
  return isTaken ? { done: true, note: null } : failureOf('webhook', answered);
}

/** The JSON value of the body. */
export function bodyOf({ key, items }: Batch, format: SinkConfig['format']): unknown {
  const values = items.map(({ value }) => value);
  if (format === 'ocsf') return values;
  if (format === 'text') return { text: values.map((value) => (value as { text: string }).text).join('\n\n'), key };
  const lastMs = items.reduce((last, { timeMs }) => Math.max(last, timeMs), 0);
  return { type: 'alerts', timestamp: new Date(lastMs).toISOString(), data: { key, items: values } };
}
