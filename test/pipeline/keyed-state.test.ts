import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { splitSnapshot } from '../../src/engine/snapshot-parts.js';
import { KilldeerError } from '../../src/errors.js';
import { createRandom } from '../../src/math/random.js';
import { KeyedState, type StateRecord } from '../../src/pipeline/keyed-state.js';
import type { Position } from '../../src/pipeline/ledger.js';
import { EMPTY_SHELF, NumberedShelf } from '../../src/pipeline/numbered-shelf.js';
import { traffic } from '../engine/traffic.js';
import { engineOf, eventOf, HOUR_MS, linesOf, recordOf, START_MS, settingsOf, withTicks } from '../engine/world.js';
import { freshDirectory } from './live-world.js';

/** Of the longest record; brokers take longer ones. */
const PAGE_BYTES = 256 * 1024;

const positionAt = (offset: number): Position => ({
  offset,
  nowMs: offset,
  model: 'neutral',
  settings: settingsOf(),
  deadLettered: 0,
});

/** All that a snapshot says, wherever the evicted profiles stand. */
function saysOf(bytes: Uint8Array, shelf: NumberedShelf): unknown {
  const { head, shelved } = splitSnapshot(bytes);
  const digest = (part: Uint8Array): string => createHash('sha1').update(part).digest('hex');
  return {
    ...(JSON.parse(new TextDecoder().decode(head)) as object),
    shelved: shelved.map(([key, place]) => [key, digest(shelf.read(place))]),
    after: digest(bytes.subarray(4 + head.length)),
  };
}

/** An engine whose state is kept by key, and what the log has of it. */
class Keeper {
  readonly shelf = new NumberedShelf({ directory: freshDirectory(), rewriteFromBytes: 1 }, EMPTY_SHELF);
  readonly state = new KeyedState(this.shelf);
  readonly log = new Map<string, Uint8Array>();
  readonly engine: PartitionEngine;
  /** What it went on from. An engine numbers its seats anew, so its own next snapshot has other bytes. */
  readonly given: unknown;
  moved = 0;

  constructor(
    private readonly settings: Partial<Settings>,
    read?: ReadonlyMap<string, Uint8Array>,
  ) {
    for (const [key, value] of read ?? []) this.log.set(key, value);
    const snapshot = read === undefined ? undefined : this.state.restore(read)?.engine;
    this.given = snapshot === undefined ? null : saysOf(snapshot, this.shelf);
    this.engine = engineOf({ settings, shelf: this.shelf, ...(snapshot === undefined ? {} : { snapshot }) });
  }

  async checkpoint(offset: number, engine: PartitionEngine = this.engine): Promise<readonly StateRecord[]> {
    this.state.rewriteShelf(engine, (name) => {
      this.moved += name === 'shelf-moved' ? 1 : 0;
    });
    const records = await this.state.changes(positionAt(offset), this.engine);
    for (const { key, value } of records) {
      if (value === null) this.log.delete(key);
      else this.log.set(key, typeof value === 'string' ? new TextEncoder().encode(value) : value.slice());
    }
    return records;
  }

  /** One that was given what is on the log. */
  next(): Keeper {
    return new Keeper(this.settings, new Map(this.log));
  }

  get says(): unknown {
    return saysOf(this.engine.snapshot(), this.shelf);
  }

  get digests(): number {
    return (Reflect.get(this.state, 'digests') as ReadonlyMap<string, string>).size;
  }
}

const keysOf = (records: readonly StateRecord[], prefix: string): string[] =>
  records.map(({ key }) => key).filter((key) => key.startsWith(prefix));
const gone = (records: readonly StateRecord[]): string[] =>
  records.filter(({ value }) => value === null).map(({ key }) => key);

function call(agent: string, timeMs: number, session = 's'): EventRecord {
  return recordOf(eventOf({ agent, timeMs, session }));
}

/** So many calls of each agent, one agent an hour after the other: each gets in, and pushes the one before out. */
function parade(agents: number, from = 0): EventRecord[] {
  return Array.from({ length: agents * 20 }, (_, i) => {
    const at = from + Math.floor(i / 20);
    return call(`a-${at}`, START_MS + at * HOUR_MS + (i % 20) * 1_000);
  });
}

describe('a state by key', () => {
  it('is nothing before the first snapshot', () => {
    const { state } = new Keeper({});
    expect(state.restore(new Map())).toBeNull();
    expect(state.restore(new Map([['position', new TextEncoder().encode('{}')]]))).toBeNull();
  });

  it('writes what changed and nothing else', async () => {
    const keeper = new Keeper({});
    linesOf(
      keeper.engine,
      Array.from({ length: 40 }, (_, i) => call(`a-${i}`, START_MS + i)),
    );
    expect(keysOf(await keeper.checkpoint(40), 'a/')).toHaveLength(40);
    linesOf(keeper.engine, [call('a-7', START_MS + 100)]);
    const second = await keeper.checkpoint(41);
    expect(keysOf(second, 'a/')).toEqual(['a/\u0000a-7']);
    expect(keysOf(second, '').sort()).toEqual(['a/\u0000a-7', 'head/0', 'header', 'ids/0']);
    expect((await keeper.checkpoint(42)).map(({ key }) => key)).toEqual(['header']);
  });

  it('writes no agent again because it was restored, or evicted without a change', async () => {
    const settings = { agentsMax: 2 };
    const keeper = new Keeper(settings);
    linesOf(keeper.engine, parade(2));
    await keeper.checkpoint(40);
    const next = keeper.next();
    linesOf(next.engine, parade(1, 2));
    const written = keysOf(await next.checkpoint(60), 'a/');
    expect(next.engine.counts.evictions).toBe(1);
    expect(written).toContain('a/\u0000a-2');
    // The slot in which an agent sits is part of its sessions: who sits elsewhere now is written once more.
    expect(written.length).toBeLessThanOrEqual(3);
    expect(keysOf(await next.checkpoint(61), 'a/')).toEqual([]);
    expect(next.next().given).toEqual(next.says);
  });

  it('removes what is needed no more, once, and forgets it itself', async () => {
    const keeper = new Keeper({ agentsMax: 1, shelvedMax: 2 });
    const removed: string[] = [];
    for (let at = 0; at < 12; at++) {
      linesOf(keeper.engine, parade(5, at * 5));
      removed.push(...gone(await keeper.checkpoint(at)));
      expect(
        keysOf(
          [...keeper.log].map(([key, value]) => ({ key, value })),
          'a/',
        ),
      ).toHaveLength(3);
      // What is on the log but the header, which is written each time.
      expect(keeper.digests).toBe(keeper.log.size - 1);
    }
    expect(new Set(removed).size).toBe(removed.length);
    const { given } = keeper.next();
    expect(given).toEqual(keeper.says);
  });

  it('is the engine again, wherever it was cut, with the shelf rewritten in between', async () => {
    const settings: Partial<Settings> = { agentsMax: 4, sessionsMax: 12, idsMax: 150, shelvedMax: 8 };
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 500 }), async (seed) => {
        const random = createRandom(`cuts ${seed}`);
        const records: EngineRecord[] = withTicks(
          traffic({ seed, agents: 9, hours: 40, sessionsPerHour: 1, unbound: 0.1 }),
        );
        let keeper = new Keeper(settings);
        for (let from = 0; from < records.length; ) {
          const to = from + 1 + random.below(700);
          const lines = linesOf(keeper.engine, records.slice(from, to), from);
          expect(lines).toHaveLength(Math.min(to, records.length) - from);
          await keeper.checkpoint(to);
          const next = keeper.next();
          expect(next.given).toEqual(keeper.says);
          const ahead = records.slice(to, to + 300);
          const other = keeper.next();
          expect(linesOf(other.engine, ahead, to)).toEqual(linesOf(keeper.next().engine, ahead, to));
          moved += keeper.moved;
          keeper.moved = 0;
          // Now and then another owner.
          if (random.below(3) === 0) keeper = next;
          from = to;
        }
      }),
      { numRuns: 3, seed: 3 },
    );
    expect(moved).toBeGreaterThan(3);
  });

  it('is not changed by what the engine does while it is written', async () => {
    const keeper = new Keeper({ agentsMax: 2_000 });
    linesOf(
      keeper.engine,
      Array.from({ length: 1_600 }, (_, i) => call(`a-${i}`, START_MS + i)),
    );
    const { says } = keeper;
    const writing = keeper.checkpoint(1);
    for (let i = 0; i < 5; i++) {
      linesOf(keeper.engine, [call(`a-${i}`, START_MS + 5_000), call(`b-${i}`, START_MS + 5_000)]);
      await new Promise(setImmediate);
    }
    await writing;
    expect(keeper.next().given).toEqual(says);
    const after = await keeper.checkpoint(2);
    expect(keysOf(after, 'a/')).toHaveLength(10);
    expect(keeper.next().given).toEqual(keeper.says);
  });

  it('has no record that is longer than a page, however much is remembered', async () => {
    const keeper = new Keeper({ sessionsMax: 10_000 });
    const calls = Array.from({ length: 34_000 }, (_, i) => call(i % 2 === 0 ? 'busy' : `a-${i % 500}`, i, `s-${i}`));
    linesOf(
      keeper.engine,
      calls.map(({ event, bound }) => recordOf({ ...event, timeMs: START_MS + event.timeMs }, bound)),
    );
    const records = await keeper.checkpoint(1);
    expect(keysOf(records, 'ids/').length).toBeGreaterThan(1);
    for (const { key, value } of records) expect(value?.length ?? 0, key).toBeLessThanOrEqual(PAGE_BYTES);
    expect(keeper.next().given).toEqual(keeper.says);
  });

  it('stays with the old shelf where the disk is too full to rewrite it', async () => {
    const keeper = new Keeper({ agentsMax: 1, shelvedMax: 3 });
    linesOf(keeper.engine, parade(8));
    const full = Object.create(keeper.engine, {
      moveShelved: {
        value: (move: (position: number) => number) => {
          for (const [, place] of splitSnapshot(keeper.engine.snapshot()).shelved.slice(1)) move(place);
          throw new KilldeerError('log.disk-full', 'no space');
        },
      },
      shelved: { value: 3 },
    }) as PartitionEngine;
    await keeper.checkpoint(1, full);
    expect(keeper.moved).toBe(0);
    linesOf(keeper.engine, parade(4, 8));
    await keeper.checkpoint(2);
    expect(keeper.next().given).toEqual(keeper.says);
  });

  it('names the page that is missing', async () => {
    const keeper = new Keeper({});
    linesOf(keeper.engine, parade(2));
    await keeper.checkpoint(1);
    for (const [key, words] of [
      ['head/0', 'lacks a page of head'],
      ['ids/0', 'lacks a page of ids'],
      ['door/0', 'lacks a page of door'],
      ['a/\u0000a-1', 'agent a-1 has no bytes'],
    ]) {
      const read = new Map(keeper.log);
      read.delete(key);
      expect(() => new Keeper({}, read), key).toThrow(words);
    }
  });

  it('removes what another version left, also where it could not read it', async () => {
    const keeper = new Keeper({});
    linesOf(keeper.engine, parade(3));
    await keeper.checkpoint(1);
    const log = new Map(keeper.log).set('header', new TextEncoder().encode('{"format":99}'));
    log.set('other/0', new Uint8Array(3));
    const { state, engine } = new Keeper({});
    expect(() => state.restore(log)).toThrow(/format 99/);
    const records = await state.changes(positionAt(0), engine);
    expect(gone(records).sort()).toEqual(['a/\u0000a-0', 'a/\u0000a-1', 'a/\u0000a-2', 'ids/0', 'other/0']);
  });
});
