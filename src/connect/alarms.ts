/**
 * What must be told to people at once, gathered for a moment: one stop that is not in force is told by its agent's
 * name, five hundred behind one place that is down are told once, with the list.
 */
import type { ResponderRecord } from '../engine/record.js';
import type { Wish } from './contract.js';

/** Agents that one alarm names. */
const AGENTS_MAX = 100;
/** Characters of what a place said. */
const WORDS_MAX = 300;

interface Alarm {
  readonly wish: Wish;
  readonly words: string;
}

export class Alarms {
  private readonly gathered = new Map<string, Alarm[]>();
  private timer: NodeJS.Timeout | null = null;
  private isStopped = false;

  /**
   * @param gatherMs how long the first of several waits for the others
   * @param now wall clock, ms
   * @param write must not reject
   */
  constructor(
    private readonly gatherMs: number,
    private readonly now: () => number,
    private readonly write: (record: ResponderRecord) => Promise<void>,
  ) {}

  add(what: 'stop-unverified' | 'delivery-dead', wish: Wish, place: string, words: string): void {
    if (this.isStopped) return;
    const key = `${what} ${place}`;
    const list = this.gathered.get(key);
    if (list === undefined) this.gathered.set(key, [{ wish, words }]);
    else list.push({ wish, words });
    this.timer ??= setTimeout(() => void this.flush(), this.gatherMs);
  }

  /** Tells what was gathered, and takes nothing more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.flush();
  }

  private async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const all = [...this.gathered];
    this.gathered.clear();
    for (const [key, alarms] of all) {
      const [what, place] = key.split(' ') as [ResponderRecord['what'], string];
      await this.write(recordOf(what, place, alarms, this.now()));
    }
  }
}

function recordOf(what: ResponderRecord['what'], place: string, alarms: Alarm[], timeMs: number): ResponderRecord {
  const [{ wish, words }] = alarms;
  const said = words.slice(0, WORDS_MAX);
  const end = what === 'delivery-dead' ? 'did not take it and is asked no more' : 'has not put it in force';
  if (alarms.length === 1) {
    const { tenant, agent, version, status } = wish;
    const sentence = `${agent} is ${status === 'active' ? 'released' : status}, but ${place} ${end}: ${said}`;
    return {
      type: 'responder',
      timeMs,
      what,
      tenant,
      agent,
      key: `${place} ${version}`,
      words: sentence,
      agents: [agent],
    };
  }
  const agents = alarms.slice(0, AGENTS_MAX).map((alarm) => alarm.wish.agent);
  const sentence = `${alarms.length} agents are stopped, but ${place} ${end}: ${said}`;
  const key = `${place} ${timeMs}`;
  return { type: 'responder', timeMs, what, tenant: '', agent: 'fleet', key, words: sentence, agents };
}
