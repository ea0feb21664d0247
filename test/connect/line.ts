/** The line between a connector and its counterpart, with everything that can happen to a line. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Mood =
  | 'pass'
  /** Nobody listens. */
  | 'refuse'
  /** It takes the call and never answers. */
  | 'hang'
  /** The call arrives and takes effect, its answer does not. */
  | 'lose-answer'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

export interface Line {
  /** http://127.0.0.1:PORT, the same over its whole life. */
  readonly url: string;
  set(mood: Mood): Promise<void>;
  /** Calls that came so far, whatever became of them. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

/** A line to `target`, or, without one, to nobody. */
export async function openLine(target: string | null): Promise<Line> {
  const calls: string[] = [];
  let mood: Mood = 'pass';
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;

  function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    calls.push(`${incoming.method} ${incoming.url}`);
    if (mood === 'hang') return void incoming.resume();
    if (typeof mood === 'object') {
      incoming.resume();
      return void outgoing.writeHead(mood.status, mood.headers).end(mood.body);
    }
    if (target === null) return void outgoing.writeHead(404).end();
    const { hostname, port: targetPort } = new URL(target);
    const { method, url: path, headers } = incoming;
    const forwarded = request({ hostname, port: targetPort, method, path, headers }, (answered) => {
      if (mood === 'lose-answer') {
        answered.resume();
        return void answered.on('end', () => outgoing.destroy());
      }
      outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }

  function listen(at: number): Promise<Server> {
    return new Promise((resolve, reject) => {
      const made = createServer(answer);
      made.once('error', reject);
      made.listen(at, '127.0.0.1', () => resolve(made));
    });
  }

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    set: async (next) => {
      if (next === 'refuse' && mood !== 'refuse') await close();
      if (next !== 'refuse' && mood === 'refuse') server = await listen(port);
      mood = next;
    },
    close: async () => {
      if (mood !== 'refuse') await close();
    },
  };
}
