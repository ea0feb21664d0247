import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { KilldeerError } from '../../src/errors.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createIntake, type IntakeOptions } from '../../src/pipeline/intake.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import { NO_PRICES } from '../event/wire.js';
import { linesOf } from './live-world.js';
import { failing, itemOf, NOW_MS } from './source-world.js';

const PARTITIONS = 4;
const BOUND = { bound: () => true };
const UNBOUND = { bound: () => false };

function world(options: Partial<IntakeOptions> = {}) {
  const clock = { nowMs: NOW_MS };
  const memory = createMemoryLog({ topics: { events: PARTITIONS, signals: 1 } });
  const fault = failing(memory);
  const intake = createIntake({
    ...{ log: fault.log, clock: () => clock.nowMs, dedupeMs: 600_000, idsMax: 10_000, seed: 5, edges: true },
    ...options,
  });
  const partition = (at: number) => linesOf({ log: memory, topic: 'events', partition: at });
  const events = async () => (await Promise.all(Array.from({ length: PARTITIONS }, (_, at) => partition(at)))).flat();
  const edges = async () => (await linesOf({ log: memory, topic: 'signals', partition: 0 })).map((l) => JSON.parse(l));
  return { clock, fault, intake, partition, events, edges };
}

describe('what ingest accepts', () => {
  it("stands in its agent's partition, in order, as the sender wrote it and bound as said", async () => {
    const { intake, partition } = world();
    const agents = Array.from({ length: 12 }, (_, at) => `agent-${at % 6}`);
    const items = agents.map((agent, at) => itemOf({ id: `e-${at}`, agent, tenant: 'acme' }));
    const bound = ({ agent }: { agent: string }) => agent !== 'agent-3';
    expect(await intake.accept(items, { bound })).toEqual({ written: 12, duplicates: 0 });
    for (let at = 0; at < PARTITIONS; at++) {
      const expected = items.filter(({ event }) => partitionOf('acme', event.agent, PARTITIONS) === at);
      const records = (await partition(at)).map((line, offset) => decodeRecord(line, offset, NO_PRICES));
      expect(records).toEqual(expected.map(({ event }) => ({ type: 'event', event, bound: bound(event) })));
    }
  });

  it('keeps the order of calls that overlap', async () => {
    const { intake, partition } = world();
    const calls = Array.from({ length: 50 }, (_, at) => intake.accept([itemOf({ id: `e-${at}` })], BOUND));
    await Promise.all(calls);
    const own = await partition(partitionOf('', 'agent-27', PARTITIONS));
    expect(own.map((line) => JSON.parse(line).event.id)).toEqual(Array.from({ length: 50 }, (_, at) => `e-${at}`));
  });

  it('is nothing where nothing is sent', async () => {
    const { intake, events } = world();
    expect(await intake.accept([], BOUND)).toEqual({ written: 0, duplicates: 0 });
    expect(await events()).toEqual([]);
  });
});

describe('a repeated event', () => {
  it('is dropped for as long as is stated, and counted', async () => {
    const { intake, events, clock } = world();
    const items = [itemOf({ id: 'a' }), itemOf({ id: 'b' }), itemOf({ id: 'a' })];
    expect(await intake.accept(items, BOUND)).toEqual({ written: 2, duplicates: 1 });
    clock.nowMs += 599_999;
    expect(await intake.accept(items, BOUND)).toEqual({ written: 0, duplicates: 3 });
    expect(await events()).toHaveLength(2);
    // By then both generations have turned.
    clock.nowMs += 600_001;
    await intake.accept([itemOf({ id: 'c' })], BOUND);
    clock.nowMs += 600_001;
    expect(await intake.accept([itemOf({ id: 'a' })], BOUND)).toEqual({ written: 1, duplicates: 0 });
    expect(intake.counts).toMatchObject({ written: 4, duplicates: 4 });
  });

  it('is another event of another tenant, agent or sender: nobody can send it away before it comes', async () => {
    const { intake } = world();
    const one = [itemOf({ id: 'a' })];
    expect(await intake.accept(one, UNBOUND)).toMatchObject({ written: 1 });
    expect(await intake.accept(one, BOUND)).toMatchObject({ written: 1 });
    expect(await intake.accept([itemOf({ id: 'a', agent: 'other' })], BOUND)).toMatchObject({ written: 1 });
    expect(await intake.accept([itemOf({ id: 'a', tenant: 'acme' })], BOUND)).toMatchObject({ written: 1 });
  });

  it('is accepted again where it could not be written', async () => {
    const { intake, events, edges, fault } = world();
    const items = [itemOf({ id: 'a', parent: 'chief' }), itemOf({ id: 'b' })];
    fault.error = new KilldeerError('log.disk-full', 'no space');
    await expect(intake.accept(items, BOUND)).rejects.toMatchObject({ code: 'log.disk-full' });
    fault.error = null;
    expect(await intake.accept(items, BOUND)).toEqual({ written: 2, duplicates: 0 });
    expect(await events()).toHaveLength(2);
    expect(await edges()).toHaveLength(1);
    expect(intake.counts).toMatchObject({ written: 2, duplicates: 0, edges: 1 });
  });

  it('is accepted again where a part of its call failed: the engine knows it', async () => {
    const memory = createMemoryLog({ topics: { events: 1 } });
    // No signals topic: the edge cannot be written, the event can.
    const intake = createIntake({
      ...{ log: memory, clock: () => NOW_MS, dedupeMs: 1000, idsMax: 10, seed: 1, edges: true },
    });
    const items = [itemOf({ parent: 'chief' })];
    for (let i = 0; i < 2; i++) {
      await expect(intake.accept(items, BOUND)).rejects.toMatchObject({ code: 'log.unknown-partition' });
    }
    expect(await linesOf({ log: memory, topic: 'events', partition: 0 })).toHaveLength(2);
  });

  it('is forgotten early where ids are more than may be remembered: the oldest first, and counted', async () => {
    const { intake } = world({ idsMax: 100 });
    const many = Array.from({ length: 1_000 }, (_, at) => itemOf({ id: `m-${at}` }));
    for (const item of many) await intake.accept([item], BOUND);
    expect(intake.counts.earlyTurns).toBeGreaterThan(10);
    expect(await intake.accept(many.slice(-50), BOUND)).toEqual({ written: 0, duplicates: 50 });
    expect(await intake.accept(many.slice(0, 50), BOUND)).toEqual({ written: 50, duplicates: 0 });
  });
});
