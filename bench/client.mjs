/** The parent's side of load.mjs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url));

export class Client {
  constructor() {
    this.child = fork(LOAD, [], { execArgv: [] });
  }

  /** Plays one load; rejects where a call failed or was refused: such times would say nothing. */
  async play(order) {
    this.child.send(order);
    const [seen] = await once(this.child, 'message');
    if (seen.error !== undefined) throw new Error(`the load on ${order.url} failed: ${seen.error}`);
    if (seen.refused > 0) throw new Error(`${seen.refused} of ${seen.calls} calls to ${order.url} were refused`);
    return seen;
  }

  async close() {
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await gone;
  }
}
