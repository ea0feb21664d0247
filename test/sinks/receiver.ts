/** An address that takes alerts, checks their signatures by a library that is not ours, and fails as it is told to. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** How one message is answered: by a status, not at all, or by a connection that breaks after it was taken. */
export type Manner = { readonly status: number; readonly retryAfter?: string } | 'hang' | 'lose';

export interface Taken {
  readonly id: string;
  readonly body: unknown;
  readonly authorization: string | null;
  readonly atMs: number;
}

export interface Receiver {
  readonly url: string;
  /** Messages whose signature was good, as often as they came, whatever was answered. */
  readonly seen: Taken[];
  /** Those that were answered with success, or whose answer was lost. */
  readonly taken: Taken[];
  readonly unsigned: number;
  /** Manners of the next messages, in their order; then all are taken. */
  readonly next: Manner[];
  close(): Promise<void>;
}

export async function openReceiver(onSeen: (taken: Taken) => void = () => {}): Promise<Receiver> {
  const library = new Webhook(SECRET);
  const state = { seen: [] as Taken[], taken: [] as Taken[], next: [] as Manner[], unsigned: 0 };
  const answer = (response: ServerResponse, message: Taken): void => {
    const manner = state.next.shift() ?? { status: 204 };
    if (manner === 'hang') return;
    if (manner === 'lose') {
      state.taken.push(message);
      response.destroy();
      return;
    }
    if (manner.status < 300) state.taken.push(message);
    const headers = manner.retryAfter === undefined ? {} : { 'retry-after': manner.retryAfter };
    response.writeHead(manner.status, headers).end();
  };
  const server: Server = createServer(async (request, response) => {
    const body = await text(request);
    try {
      library.verify(body, request.headers as Record<string, string>);
    } catch {
      state.unsigned += 1;
      response.writeHead(401).end();
      return;
    }
    const { authorization = null } = request.headers;
    const id = String(request.headers['webhook-id']);
    const message = { id, body: JSON.parse(body) as unknown, authorization, atMs: Date.now() };
    state.seen.push(message);
    onSeen(message);
    answer(response, message);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...state,
    get unsigned() {
      return state.unsigned;
    },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
