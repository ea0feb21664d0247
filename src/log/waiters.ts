/** Those who wait for a partition's end to move. Shared by the logs, so that they wait alike. */

interface Waiter {
  readonly offset: number;
  readonly settle: (reached: boolean) => void;
}

export class Waiters {
  private readonly waiting = new Set<Waiter>();
  private closed = false;

  /** How many wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Resolves true once woken with an end beyond `offset`, false after `timeoutMs` or on close. */
  wait(offset: number, timeoutMs: number): Promise<boolean> {
    if (this.closed || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        offset,
        settle: (reached) => {
          clearTimeout(timer);
          this.waiting.delete(waiter);
          resolve(reached);
        },
      };
      const timer = setTimeout(waiter.settle, timeoutMs, false);
      this.waiting.add(waiter);
    });
  }

  /** Tells those whom the new end satisfies. */
  wake(end: number): void {
    for (const waiter of this.waiting) {
      if (end > waiter.offset) waiter.settle(true);
    }
  }

  close(): void {
    this.closed = true;
    for (const waiter of this.waiting) waiter.settle(false);
  }
}
