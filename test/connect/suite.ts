/** What every connector promises, whatever it speaks: run against a real or a faithful counterpart behind a line. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Connector, keyOfWish, type Wish } from '../../src/connect/contract.js';
import { type Line, openLine } from './line.js';
import { until, wish } from './wishes.js';

export interface Counterpart {
  readonly connector: Connector;
  readonly line: Line;
  /** Words that must never show. */
  readonly secrets: readonly string[];
  /** Whether the counterpart itself holds the agent for stopped. */
  isStopped(agent: string): Promise<boolean>;
  /** How often something was changed at the counterpart; repeating a key changes nothing. */
  changes(): number | null;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

export function describeConnector(name: string, open: () => Promise<Counterpart>): void {
  describe(`${name} as a connector`, () => {
    let counterpart: Counterpart;
    let agents = 0;
    const apply = (one: Wish, signal = NEVER) => counterpart.connector.apply(one, keyOfWish(one), signal);
    const known = () => wish(`agent-${agents++ % 3}`, 'suspended', { version: 100 + agents });

    beforeAll(async () => {
      counterpart = await open();
    });
    afterAll(() => counterpart.close());
    beforeEach(() => counterpart.line.set('pass'));

    const silent = (words: string) => {
      for (const secret of counterpart.secrets) expect(words).not.toContain(secret);
    };

    it('puts a stop in force, says so when it is asked, and lifts it', async () => {
      const stop = known();
      expect(await apply(stop)).toMatchObject({ done: true });
      expect(await counterpart.isStopped(stop.agent)).toBe(true);
      const read = counterpart.connector.readBack;
      if (read !== undefined) expect(await read(stop, NEVER)).toMatchObject({ state: 'in-force' });
      const release = wish(stop.agent, 'active', { version: stop.version + 1 });
      if (read !== undefined) expect(await read(release, NEVER)).toMatchObject({ state: 'not-in-force' });
      expect(await apply(release)).toMatchObject({ done: true });
      expect(await counterpart.isStopped(stop.agent)).toBe(false);
      if (read !== undefined) expect(await read(release, NEVER)).toMatchObject({ state: 'in-force' });
    });

    it('changes nothing when the same key comes again', async () => {
      const stop = known();
      expect(await apply(stop)).toMatchObject({ done: true });
      const changes = counterpart.changes();
      expect(await apply(stop)).toMatchObject({ done: true });
      expect(counterpart.changes()).toBe(changes);
      expect(await counterpart.isStopped(stop.agent)).toBe(true);
    });

    it.each([
      ['nobody listens', 'refuse' as const],
      ['it answers 500', { status: 500, body: '{"error":"at at.internal.Thing"}' }],
      ['it answers 503', { status: 503 }],
    ])('says that it is unwell where %s', async (_, mood) => {
      await counterpart.line.set(mood);
      const applied = await apply(known());
      expect(applied).toMatchObject({ done: false, fault: 'place' });
      const words = applied.done ? '' : applied.reason;
      expect(words).not.toContain('internal');
      silent(words);
      const read = await counterpart.connector.readBack?.(known(), NEVER);
      if (read !== undefined) {
        expect(read.state).toBe('unknown');
        silent(read.words);
      }
    });

    it('says how long it is to be left alone', async () => {
      await counterpart.line.set({ status: 429, headers: { 'retry-after': '7' } });
      expect(await apply(known())).toMatchObject({ done: false, fault: 'place', retryAfterMs: 7_000 });
      const at = new Date(Date.now() + 60_000).toUTCString();
      await counterpart.line.set({ status: 429, headers: { 'retry-after': at } });
      const applied = await apply(known());
      expect(applied.done ? 0 : applied.retryAfterMs).toBeGreaterThan(50_000);
    });

    it('waits no longer than it is told to', async () => {
      await counterpart.line.set('hang');
      const applied = await apply(known(), AbortSignal.timeout(150));
      expect(applied).toMatchObject({ done: false, fault: 'place' });
      expect(applied.done ? '' : applied.reason).toContain('no answer in time');
    });

    it('takes an answer that was lost for a failure, and repeats it without harm', async () => {
      const stop = known();
      await counterpart.line.set('lose-answer');
      expect(await apply(stop)).toMatchObject({ done: false });
      await counterpart.line.set('pass');
      expect(await apply(stop)).toMatchObject({ done: true });
      expect(await counterpart.isStopped(stop.agent)).toBe(true);
    });

    it('follows no redirect', async () => {
      const elsewhere = await openLine(null);
      try {
        await counterpart.line.set({ status: 307, headers: { location: `${elsewhere.url}/take` } });
        const applied = await apply(known());
        expect(applied).toMatchObject({ done: false });
        expect(applied.done ? '' : applied.reason).toContain('not followed');
        expect(elsewhere.calls).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    });

    it('reads no answer without end', async () => {
      await counterpart.line.set({ status: 200, body: 'x'.repeat(300_000) });
      const applied = await apply(known());
      expect(applied).toMatchObject({ done: false, fault: 'place' });
      await counterpart.line.set('pass');
      const again = known();
      await until(async () => (await apply(again)).done);
    });
  });
}
