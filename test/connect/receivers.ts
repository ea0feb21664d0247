/**
 * Counterparts of connectors where there is no server to be had: each keeps to its specification, checks what it is
 * sent by a library that is not ours, and remembers what it was told.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

interface Verified {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** It comes without types. */
const jwt = createRequire(import.meta.url)('jsonwebtoken') as {
  verify(token: string, key: string, options: object): Verified;
};

export interface Receiver<S> {
  readonly url: string;
  readonly state: S;
  close(): Promise<void>;
}

type Answer = { readonly status: number; readonly body?: unknown; readonly type?: string };

async function openReceiver<S>(
  state: S,
  answer: (request: IncomingMessage, url: URL, body: string) => Answer,
): Promise<Receiver<S>> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, body, type } = answer(request, new URL(request.url ?? '', 'http://receiver'), await text(request));
    response.writeHead(status, { 'content-type': type ?? 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Told {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Record<string, unknown>;
}

export interface WebhookState {
  /** Every message whose signature was good, as often as it came. */
  readonly messages: { readonly id: string; readonly told: Told }[];
  /** Status by agent, of messages that are not repeated. */
  readonly statuses: Map<string, string>;
  refused: number;
  /** It answers OK and does nothing. */
  isLying: boolean;
}

/** Verifies by the specification's own library; GET /status tells how an agent stands. */
export function openWebhookReceiver(secret: string): Promise<Receiver<WebhookState>> {
  const state: WebhookState = { messages: [], statuses: new Map(), refused: 0, isLying: false };
  const library = new Webhook(secret);
  return openReceiver(state, (request, url, body) => {
    if (request.method === 'GET') {
      return { status: 200, body: { status: state.statuses.get(url.searchParams.get('agent') ?? '') ?? 'active' } };
    }
    try {
      library.verify(body, request.headers as Record<string, string>);
    } catch {
      state.refused += 1;
      return { status: 401 };
    }
    const told = JSON.parse(body) as Told;
    const id = String(request.headers['webhook-id']);
    const isNew = !state.messages.some((message) => message.id === id);
    state.messages.push({ id, told });
    if (isNew && !state.isLying && typeof told.data['status'] === 'string') {
      state.statuses.set(String(told.data['agent']), told.data['status']);
    }
    return { status: 200 };
  });
}

export interface Account {
  readonly id: string;
  readonly userName: string;
  readonly externalId?: string;
  active: boolean;
}

export interface DirectoryState {
  readonly accounts: Account[];
  changes: number;
  isLying: boolean;
}

const SCIM = 'application/scim+json';

/** A directory as RFC 7644 has it, as far as accounts are found and switched. */
export function openDirectory(token: string, accounts: Account[]): Promise<Receiver<DirectoryState>> {
  const state: DirectoryState = { accounts, changes: 0, isLying: false };
  return openReceiver(state, (request, url, body) => {
    if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, type: SCIM };
    const [, resource, id] = url.pathname.split('/').slice(1);
    if (resource !== 'Users') return { status: 404, type: SCIM };
    if (request.method === 'GET' && id === undefined) {
      const [, attribute, value] = /^(userName|externalId) eq (".*")$/.exec(url.searchParams.get('filter') ?? '') ?? [];
      if (attribute === undefined) return { status: 400, type: SCIM };
      const wanted = String(JSON.parse(value)).toLowerCase();
      const found = accounts.filter((one) => one[attribute as 'userName' | 'externalId']?.toLowerCase() === wanted);
      const Resources = found.slice(0, Number(url.searchParams.get('count') ?? 100));
      return { status: 200, type: SCIM, body: { totalResults: found.length, Resources } };
    }
    const account = accounts.find((one) => one.id === id);
    if (account === undefined) return { status: 404, type: SCIM };
    if (request.method !== 'PATCH') return { status: 405, type: SCIM };
    if (request.headers['content-type'] !== SCIM) return { status: 415, type: SCIM };
    const { schemas, Operations } = JSON.parse(body) as { schemas: string[]; Operations: Record<string, unknown>[] };
    const [{ op, path, value }] = Operations;
    const isPatch = schemas.includes('urn:ietf:params:scim:api:messages:2.0:PatchOp') && op === 'replace';
    if (!isPatch || path !== 'active' || typeof value !== 'boolean') return { status: 400, type: SCIM };
    if (!state.isLying) account.active = value;
    state.changes += 1;
    return { status: 204, type: SCIM };
  });
}

export interface SetState {
  /** Tokens by their jti, each once. */
  readonly sets: Map<string, Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>[];
  received: number;
}

/** Takes Security Event Tokens by push (RFC 8935), verified by a library other than the one that signed them. */
export function openSetReceiver(
  publicKey: string,
  algorithm: string,
  issuer: string,
  audience: string,
): Promise<Receiver<SetState>> {
  const state: SetState = { sets: new Map(), headers: [], received: 0 };
  return openReceiver(state, (request, _url, body) => {
    if (request.headers['content-type'] !== 'application/secevent+jwt')
      return { status: 400, body: { err: 'invalid_request' } };
    try {
      const verified = jwt.verify(body, publicKey, { algorithms: [algorithm], issuer, audience, complete: true });
      if (verified.header.typ !== 'secevent+jwt') throw new Error('typ');
      const claims = verified.payload;
      state.headers.push(verified.header);
      state.sets.set(String(claims['jti']), claims);
      state.received += 1;
      return { status: 202 };
    } catch {
      return { status: 400, body: { err: 'invalid_key', description: 'the signature does not verify' } };
    }
  });
}
