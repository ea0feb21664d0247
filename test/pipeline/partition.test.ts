import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, settingsOf } from '../../src/config.js';
import { KilldeerError } from '../../src/errors.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { encodeEvent, encodeRecord } from '../../src/pipeline/record-line.js';
import {
  crashAt,
  execute,
  HOUR_MS,
  idsOf,
  linesOf,
  PartitionWorld,
  policyOf,
  recordsOf,
  simulatedLines,
} from './live-world.js';

const LINES = simulatedLines(3, 4);
const RECORDS = recordsOf(LINES);
const JUNK = [
  'no json',
  '{}',
  '[]',
  'null',
  '{"type":"event","bound":true,"event":{"id":"x"}}',
  '{"type":"event","bound":"yes","event":{}}',
  '{"type":"tick","timeMs":"now"}',
  '{"type":"tick","timeMs":1,"more":1}',
  '{"type":"model","timeMs":1,"version":"../../etc"}',
  '{"type":"config","timeMs":1,"settings":{}}',
  '{"type":"unheard-of"}',
];

describe('a partition', () => {
  it('executes every record, or says in the dead letter why not', async () => {
    const world = new PartitionWorld();
    const records = RECORDS.flatMap((record, i) =>
      i % 500 === 7 ? [JUNK[((i / 500) | 0) % JUNK.length], record, record] : [record],
    );
    const junk = records.filter((record) => JUNK.includes(record));
    await world.log.append('events', 0, records);
    const { progress } = await world.finish();
    const { counts } = progress;
    expect(junk.length).toBeGreaterThanOrEqual(JUNK.length);
    expect(progress.offset).toBe(records.length);
    expect(progress.deadLettered).toBe(junk.length);
    expect(counts.events).toBe(counts.scored + counts.duplicates + counts.notAdmitted);
    expect(counts.events + counts.ticks + counts.controls + junk.length).toBe(records.length);
    expect(counts.duplicates).toBeGreaterThan(0);
    const letters = (await linesOf(world.deadLetter)).map((line) => JSON.parse(line));
    for (const { code, reason, offset, line } of letters) {
      expect(line).toBe(records[offset]);
      expect(['event.bad-json', 'event.invalid', 'record.invalid']).toContain(code);
      expect(reason).not.toBe('');
    }
    expect(letters.map(({ line }) => line)).toEqual(junk);
    const truth = execute(records);
    expect(truth.findings.length).toBeGreaterThan(5);
    expect(await linesOf(world.findings)).toEqual(truth.findings);
    expect(world.proposals.map(({ key }) => key)).toEqual(truth.proposals);
  });

  it('goes on after a crash at any point as if there had been none', async () => {
    const undisturbed = new PartitionWorld();
    const records = RECORDS.flatMap((record, i) =>
      i % 900 === 5 ? [JUNK[((i / 900) | 0) % JUNK.length], record] : [record],
    );
    await undisturbed.log.append('events', 0, records);
    let passages = 0;
    // Longer than a batch, so that samples wait for the checkpoint to be written.
    const samples = { place: undisturbed.samples, everyMs: 36 * HOUR_MS };
    await undisturbed.finish({
      samples,
      pass: () => {
        passages += 1;
      },
    });
    const expected = {
      findings: await linesOf(undisturbed.findings),
      dead: await linesOf(undisturbed.deadLetter),
      samples: await linesOf(undisturbed.samples),
    };
    expect(expected.samples.some((line) => line.startsWith('{"kind":"window"'))).toBe(true);
    let crashes = 0;
    for (let round = 1; round <= 4; round++) {
      const world = new PartitionWorld();
      await world.log.append('events', 0, records);
      // Ever further on, and again soon after: into the records that are executed a second time.
      for (let at = 1; at <= 8; at++) {
        const { pass, isCrash } = crashAt(Math.floor((passages * ((at * 7 + round * 3) % 11)) / 14) + round);
        try {
          await world.finish({ pass, samples: { ...samples, place: world.samples } });
        } catch (error) {
          if (!isCrash(error)) throw error;
          crashes += 1;
        }
      }
      const { progress } = await world.finish({ samples: { ...samples, place: world.samples } });
      expect(progress.counts).toEqual(execute(records).counts);
      expect(await linesOf(world.findings)).toEqual(expected.findings);
      expect(await linesOf(world.deadLetter)).toEqual(expected.dead);
      expect(await linesOf(world.samples)).toEqual(expected.samples);
      expect(new Set(world.proposals.map(({ key }) => key))).toEqual(
        new Set(undisturbed.proposals.map(({ key }) => key)),
      );
      expect(new Set(world.sightings.map(({ agent }) => agent))).toEqual(
        new Set(undisturbed.sightings.map(({ agent }) => agent)),
      );
    }
    expect(crashes).toBeGreaterThan(12);
  });

  it('obeys new settings from their record on, a crash or not', async () => {
    // The table is made with its size: an engine that goes on must not differ from one that is restored.
    const small = settingsOf(parseConfig({ detection: { agents_max: 1 } }, 'test'), policyOf('observe'));
    const first = RECORDS.findIndex((record) => record.startsWith('{"type":"event"'));
    const change = encodeRecord({ type: 'config', timeMs: 0, settings: small });
    const records = [...RECORDS.slice(0, first + 1), change, ...RECORDS.slice(first + 1)];
    const run = async (passage: number | null) => {
      const world = new PartitionWorld();
      await world.log.append('events', 0, records);
      if (passage !== null) await expect(world.finish({ pass: crashAt(passage).pass })).rejects.toThrow('crash');
      const { progress } = await world.finish();
      return { counts: progress.counts, findings: await linesOf(world.findings) };
    };
    const once = await run(null);
    expect(once.counts.notAdmitted).toBeGreaterThan(10);
    expect(once.findings.length).toBeGreaterThan(0);
    for (const passage of [20, 1_900, 4_000]) expect(await run(passage)).toEqual(once);
  });

  it('checkpoints nothing that the registry does not know', async () => {
    const world = new PartitionWorld();
    await world.log.append('events', 0, RECORDS.slice(0, 1_500));
    let answer: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let told: () => void = () => undefined;
    const hears = new Promise<void>((resolve) => {
      told = resolve;
    });
    const passed: string[] = [];
    const partition = await world.open({
      pass: (name) => passed.push(name),
      emit: {
        registry: () => {
          told();
          return heard;
        },
        progress: () => undefined,
        checkpointed: (offset) => world.checkpoints.push(offset),
      },
    });
    const run = partition.run();
    await hears;
    partition.stop();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(passed).toContain('findings-written');
    expect(passed).not.toContain('checkpoint-begin');
    answer();
    await run;
    expect(world.checkpoints).toEqual([partition.progress.offset]);
  });

  it('stops where the registry refuses to hear it, and loses nothing', async () => {
    const world = new PartitionWorld();
    await world.log.append('events', 0, RECORDS);
    const deaf = new KilldeerError('log.fsync-failed', 'the registry is gone');
    const emit = {
      registry: async () => Promise.reject(deaf),
      progress: () => undefined,
      checkpointed: () => undefined,
    };
    await expect(world.finish({ emit })).rejects.toBe(deaf);
    await world.finish();
    expect(await linesOf(world.findings)).toEqual(execute(RECORDS).findings);
  });

  it('waits for a full disk', async () => {
    const inner = createMemoryLog({ topics: { events: 1, findings: 1, dead: 1, samples: 1 } });
    let refusals = 2;
    const world = new PartitionWorld({
      ...inner,
      append: async (topic, partition, values) => {
        if (topic === 'findings' && refusals-- > 0) throw new KilldeerError('log.disk-full', 'no space');
        return inner.append(topic, partition, values);
      },
    });
    await world.log.append('events', 0, RECORDS);
    await world.finish();
    expect(refusals).toBeLessThan(0);
    expect(idsOf(await linesOf(world.findings))).toEqual(idsOf(execute(RECORDS).findings));
  });

  it('stops at a fault of its own, with the record named', async () => {
    const world = new PartitionWorld();
    await world.log.append('events', 0, [...RECORDS.slice(0, 10), '{"type":"model","timeMs":1,"version":"absent"}']);
    const models = (version: string) => {
      if (version === 'absent') throw new KilldeerError('model.invalid', 'model absent cannot be read');
      return neutralModel();
    };
    await expect(world.finish({ models })).rejects.toMatchObject({
      code: 'partition.fault',
      message: expect.stringContaining('record 10 (model)'),
    });
  });

  it('keeps the first checkpoint of each day, and only so many', async () => {
    const world = new PartitionWorld();
    await world.log.append('events', 0, RECORDS);
    await world.finish();
    expect(readdirSync(join(world.directory, 'daily')).sort()).toEqual(['2025-06-04.ckpt', '2025-06-05.ckpt']);
  });

  it('believes a parent only from a sender bound to its tree', async () => {
    const event = (id: string, agent: string, parent: string) =>
      JSON.stringify({ id, time: '2025-06-02T00:00:00.000Z', agent, parent, operation: 'chat', endpoint: 'm' });
    const world = new PartitionWorld();
    await world.log.append('events', 0, [
      encodeEvent(event('1', 'crew/a', 'crew'), true),
      encodeEvent(event('2', 'crew/b', 'crew'), false),
      encodeEvent(event('3', 'lone', 'crew'), true),
    ]);
    await world.finish();
    expect(world.sightings.map(({ agent, parent }) => [agent, parent])).toEqual([
      ['crew/a', 'crew'],
      ['crew/b', null],
      ['lone', null],
    ]);
  });

  it('refuses outputs that are shorter than its checkpoint', async () => {
    const world = new PartitionWorld();
    await world.log.append('events', 0, RECORDS);
    await world.finish();
    const empty = createMemoryLog({ topics: { findings: 1 } });
    const findings = { log: empty, topic: 'findings', partition: 0 };
    await expect(world.open({ findings })).rejects.toMatchObject({ code: 'checkpoint.mismatch' });
  });

  it('ends its learning windows by tick', async () => {
    const world = new PartitionWorld();
    const tick = (hours: number) => encodeRecord({ type: 'tick', timeMs: hours * HOUR_MS });
    await world.log.append('events', 0, [
      tick(10.25),
      tick(10.5),
      tick(11),
      tick(11),
      tick(15.5),
      tick(12),
      tick(16.5),
    ]);
    await world.finish();
    const ends = (await linesOf(world.samples)).map((line) => JSON.parse(line).endMs / HOUR_MS);
    expect(ends).toEqual([11, 15, 16]);
  });
});
