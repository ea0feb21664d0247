/** A way to a server that a test can close, clog or slow down. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** open; shut: connections are cut off; hung: what arrives goes nowhere; slow: each piece waits. */
export type GateState = 'open' | 'shut' | 'hung' | 'slow';

export interface Gate {
  readonly url: string;
  /** What is on its way is cut off. */
  set(state: GateState): void;
}

const SLOW_MS = 60;

export async function openGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let state: GateState = 'open';
  const server = createServer((near) => {
    if (state === 'shut') {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    pass(near, far, () => state);
    pass(far, near, () => state);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      state = next;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pass(from: Socket, to: Socket, state: () => GateState): void {
  from.on('data', (piece) => {
    if (state() === 'open') to.write(piece);
    else if (state() === 'slow') {
      from.pause();
      setTimeout(() => {
        to.write(piece);
        from.resume();
      }, SLOW_MS);
    }
  });
  from.on('end', () => to.end());
}
