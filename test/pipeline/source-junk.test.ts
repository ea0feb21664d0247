import { describe, expect, it } from 'vitest';
import { createOutcome } from '../../src/engine/outcome.js';
import { engineOf } from '../engine/world.js';
import { drained, good, JUNK, until, world } from './source-world.js';

describe('junk', () => {
  it('of ten in a hundred is in the dead letters, and the rest is scored', async () => {
    const { source, feed, ids, letters } = world();
    for (let at = 0; at < 2_000; at++) feed.put(at % 10 === 0 ? `${JUNK} ${at}` : good(1, at)[0]);
    await source.assign([0]);
    await drained(source, [feed]);
    expect(await ids()).toHaveLength(1_800);
    expect((await letters()).map(({ offset, line }) => [offset, line])).toEqual(
      Array.from({ length: 200 }, (_, at) => [at * 10, `${JUNK} ${at * 10}`]),
    );
    expect(source.status()).toMatchObject({ refusals: 0, isRefused: false });
  });

  it('of all records has the source refused and paged about; others go on', async () => {
    const bad = world({ source: { rest: '1m' } });
    const fine = world({ source: { name: 'mail' }, memory: bad.memory });
    bad.feed.put(...Array.from({ length: 5_000 }, () => JUNK));
    fine.feed.put(...good(500));
    await Promise.all([bad.source.assign([0]), fine.source.assign([0])]);
    await until(() => bad.clock.pauses.length > 5);
    await drained(fine.source, [fine.feed]);
    expect(await bad.letters()).toHaveLength(200);
    expect(bad.source.status()).toMatchObject({
      ...{ isRefused: true, refusals: 1, events: 0, rejected: { 'event.bad-json': 200 } },
      partitions: [{ partition: 0, position: 200, lag: 4_800 }],
    });
    expect(bad.feed.commits.at(-1)).toBe(200);
    const engine = engineOf();
    const outcome = createOutcome();
    for (const [at, record] of (await bad.records()).entries()) engine.step(record, at, outcome);
    expect(engine.counts.scored).toBe(500);
    expect(outcome.findings.filter(({ agent }) => agent === 'fleet')).toMatchObject([
      {
        kind: 'source-refused',
        severity: 'high',
        title: expect.stringMatching(
          /^source crm is refused: 200 of its last 200 records.*event\.bad-json: .*this is no event/,
        ),
      },
    ]);
  });

  it('that goes on is looked at now and then, and nothing more of it is taken', async () => {
    const { source, feed, clock, letters, records } = world({ source: { rest: '1m' } });
    feed.put(...Array.from({ length: 300 }, () => JUNK));
    await source.assign([0]);
    const startMs = clock.nowMs;
    // One more in between, so that every trial has something new to look at.
    for (let hour = 1; hour <= 8; hour++) {
      await until(() => clock.nowMs > startMs + hour * 3_600_000);
      feed.put(JUNK);
    }
    await source.stop();
    expect(await letters()).toHaveLength(200);
    expect(source.status().refusals).toBe(1);
    const told = (await records()).filter(({ type }) => type === 'source');
    expect(told.length).toBeGreaterThan(6);
    const outcome = createOutcome();
    const engine = engineOf();
    for (const [at, record] of told.entries()) engine.step(record, at, outcome);
    expect(outcome.findings).toHaveLength(1);
  });

  it('that ends is followed by what is good: the source is accepted, the junk left behind is not held against it', async () => {
    const { source, feed, ids, letters, records } = world({ source: { rest: '1m' } });
    feed.put(...Array.from({ length: 1_000 }, () => JUNK));
    await source.assign([0]);
    await until(() => source.status().isRefused);
    feed.put(...good(150));
    await until(() => source.status().partitions[0].position === 1_150);
    feed.put(...Array.from({ length: 10 }, () => JUNK), ...good(50, 150));
    await drained(source, [feed]);
    expect(await ids()).toHaveLength(200);
    expect(await letters()).toHaveLength(1_010);
    expect(source.status()).toMatchObject({ refusals: 1, isRefused: false });
    const told = (await records()).flatMap((record) => (record.type === 'source' ? [record] : []));
    expect(told.map(({ state, of, rejections }) => [state, rejections, of])).toEqual([
      ['refused', 200, 200],
      ['accepted', 0, 100],
    ]);
  });

  it('in a hundred thousand items of one record is counted, and told of in a bounded number of letters', async () => {
    const { source, feed, ids, letters } = world({ source: { rejections_max: 1 } });
    feed.put('0\n'.repeat(100_000), ...good(1));
    await source.assign([0]);
    await drained(source, [feed]);
    expect(await ids()).toEqual(['e-0']);
    const all = await letters();
    expect(all).toHaveLength(1_001);
    expect(all.at(-1)).toMatchObject({
      offset: 0,
      item: null,
      reason: '99000 further items of this record were rejected',
    });
    expect(source.status().rejected).toEqual({ 'event.invalid': 100_000 });
  });

  it('of bytes that are no text is kept as base64', async () => {
    const { source, feed, letters } = world();
    const bytes = Uint8Array.of(0xff, 0xfe, 0x00, 0x01);
    feed.put(bytes, `ä${'€'.repeat(5_000)}`);
    await source.assign([0]);
    await drained(source, [feed]);
    expect((await letters()).map(({ line }) => line)).toEqual([
      `base64:${Buffer.from(bytes).toString('base64')}`,
      `ä${'€'.repeat(4_095)}`,
    ]);
  });
});
