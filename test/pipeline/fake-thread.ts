/** A worker thread that does nothing but what a test says: it keeps what it was told, and ends when asked to stop. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';

type Told = { readonly type: string } & Readonly<Record<string, unknown>>;

export class FakeThread extends EventEmitter {
  readonly told: Told[] = [];

  constructor(private readonly endsOnStop = true) {
    super();
  }

  get worker(): Worker {
    return this as unknown as Worker;
  }

  postMessage(message: Told): void {
    this.told.push(message);
    if (message.type === 'stop' && this.endsOnStop) this.end();
  }

  say(message: Told): void {
    this.emit('message', message);
  }

  /** As a thread that met what it cannot go on from. */
  die(code: string, message = 'it died'): void {
    this.say({ type: 'fatal', fault: { code, message } });
    this.end(1);
  }

  end(code = 0): void {
    queueMicrotask(() => this.emit('exit', code));
  }

  async terminate(): Promise<number> {
    this.end(1);
    return 1;
  }
}
