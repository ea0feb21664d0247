/**
 * Lets each owner have so many messages a minute; what is more waits, and is told in one summary when the minute is
 * over. A storm must not bury the one message that matters, nor be lost.
 */
import type { Letter } from './mailbox.js';
import type { Notice } from './notice.js';

const MINUTE_MS = 60_000;
/** Lines of a summary. */
const LINES_MAX = 50;
/** Owners whose minute is remembered. */
const OWNERS_MAX = 10_000;

interface Minute {
  readonly sinceMs: number;
  sent: number;
  readonly held: Notice[];
}

export class OwnerPost {
  private readonly minutes = new Map<string, Minute>();
  private timer: NodeJS.Timeout | null = null;

  /**
   * @param perMinute messages of one owner
   * @param now wall clock, ms
   * @param send takes each letter
   */
  constructor(
    private readonly perMinute: number,
    private readonly now: () => number,
    private readonly send: (letter: Letter) => void,
  ) {}

  add(notice: Notice): void {
    const name = notice.owner ?? '';
    const nowMs = this.now();
    let minute = this.minutes.get(name);
    if (minute === undefined || nowMs - minute.sinceMs >= MINUTE_MS) {
      if (minute !== undefined) this.close(name, minute);
      if (this.minutes.size >= OWNERS_MAX) this.sweep(nowMs);
      minute = { sinceMs: nowMs, sent: 0, held: [] };
      this.minutes.set(name, minute);
    }
    if (minute.sent < this.perMinute) {
      minute.sent += 1;
      this.send(letterOf(notice));
    } else {
      minute.held.push(notice);
      this.timer ??= setTimeout(() => this.sweep(this.now()), minute.sinceMs + MINUTE_MS - nowMs);
      this.timer.unref();
    }
  }

  /** Messages that wait for a summary. */
  get held(): number {
    let held = 0;
    for (const minute of this.minutes.values()) held += minute.held.length;
    return held;
  }

  /** What is held stays untold. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  /** Tells what was held of minutes that are over, and forgets them. */
  private sweep(nowMs: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [name, minute] of this.minutes) {
      if (nowMs - minute.sinceMs >= MINUTE_MS) this.close(name, minute);
      else if (minute.held.length > 0) nextMs = Math.min(nextMs, minute.sinceMs + MINUTE_MS);
    }
    if (!Number.isFinite(nextMs)) return;
    this.timer = setTimeout(() => this.sweep(this.now()), nextMs - nowMs);
    this.timer.unref();
  }

  private close(name: string, { held }: Minute): void {
    this.minutes.delete(name);
    if (held.length === 1) this.send(letterOf(held[0]));
    else if (held.length > 1) this.send(summaryOf(held));
  }
}

function letterOf(notice: Notice): Letter {
  const { key, type, timeMs, text, owner, tenant, agent } = notice;
  return { keys: [key], message: { key, type, timeMs, data: { text, owner, tenant, agent } } };
}

function summaryOf(held: readonly Notice[]): Letter {
  const [{ owner, key }] = held;
  const last = held[held.length - 1];
  const lines = held.slice(-LINES_MAX).map(({ text }) => `- ${text.split('\n', 1)[0]}`);
  const text = [`${held.length} more things happened to your agents within a minute; the last of them:`, ...lines];
  const agents = [...new Set(held.flatMap(({ agent }) => (agent === null ? [] : [agent])))].slice(0, 1_000);
  const data = { text: text.join('\n'), owner, tenant: last.tenant, agent: null, agents };
  const message = { key: `summary/${key}/${held.length}`, type: 'summary', timeMs: last.timeMs, data };
  return { keys: held.map((notice) => notice.key), message };
}
