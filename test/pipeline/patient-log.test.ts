import { describe, expect, it, vi } from 'vitest';
import { type ErrorCode, KilldeerError } from '../../src/errors.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createPatientLog, seldom } from '../../src/pipeline/patient-log.js';

/** A log whose calls fail as often as `failures` has entries left, and count themselves. */
function failing(failures: unknown[]): { readonly log: Log; readonly asked: string[] } {
  const inner = createMemoryLog({ topics: { a: 1, b: 1 } });
  const asked: string[] = [];
  const first = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    asked.push(name);
    if (failures.length > 0) throw failures.shift();
    return call();
  };
  const log: Log = {
    ...inner,
    append: (...given) => first('append', () => inner.append(...given)),
    read: (...given) => first('read', () => inner.read(...given)),
    begin: (...given) => first('begin', () => inner.begin(...given)),
    end: (...given) => first('end', () => inner.end(...given)),
    wait: (...given) => first('wait', () => inner.wait(...given)),
  };
  return { log, asked };
}

const away = (): KilldeerError => new KilldeerError('kafka.unreachable', 'no broker answered');

describe('a patient log', () => {
  it('waits for what passes, and says so each time', async () => {
    const { log, asked } = failing([away(), away()]);
    const told: unknown[] = [];
    const patient = createPatientLog(
      log,
      () => 0,
      (error) => told.push(error),
    );
    expect(await patient.end('a', 0)).toBe(0);
    expect(asked).toEqual(['end', 'end', 'end']);
    expect(told).toEqual([away(), away()]);
    await patient.close();
  });

  it.each([
    ['read', (log: Log) => log.read('a', 0, 0, 10)],
    ['begin', (log: Log) => log.begin('a', 0)],
    ['wait', (log: Log) => log.wait('a', 0, 0, 1)],
  ])('is so in %s', async (name, call) => {
    const { log, asked } = failing([away()]);
    const patient = createPatientLog(log, () => 0);
    const answer = await call(patient);
    expect(asked).toEqual([name, name]);
    expect(answer).toEqual(await call(log));
    await patient.close();
  });

  it.each(['log.offset-out-of-range', 'kafka.missing-topic', 'log.corrupt', 'log.closed'] as ErrorCode[])(
    'tells what is final at once: %s',
    async (code) => {
      const { log, asked } = failing([new KilldeerError(code, 'final')]);
      await expect(createPatientLog(log, () => 0).read('a', 0, 0, 10)).rejects.toMatchObject({ code });
      expect(asked).toHaveLength(1);
    },
  );

  it('tells an error that is not of the table at once', async () => {
    const error = new TypeError('a fault of ours');
    const { log, asked } = failing([error]);
    await expect(createPatientLog(log, () => 0).end('a', 0)).rejects.toBe(error);
    expect(asked).toHaveLength(1);
  });

  it('repeats no append: its writer alone knows whether it may be', async () => {
    const { log, asked } = failing([away()]);
    await expect(createPatientLog(log, () => 0).append('a', 0, ['x'])).rejects.toMatchObject({
      code: 'kafka.unreachable',
    });
    expect(asked).toEqual(['append']);
    expect(await log.end('a', 0)).toBe(0);
  });

  it('ends with its closing, though the brokers are still away', async () => {
    const { log } = failing(Array.from({ length: 1_000 }, away));
    let paused: () => void = () => undefined;
    const isPaused = new Promise<void>((resolve) => {
      paused = resolve;
    });
    const patient = createPatientLog(
      log,
      () => 0,
      () => paused(),
    );
    const reading = patient.read('a', 0, 0, 10);
    await isPaused;
    await patient.close();
    await expect(reading).rejects.toMatchObject({ code: 'kafka.unreachable' });
  });

  it('waits no more once it is told to hurry, and answers as before where nothing fails', async () => {
    const failures = Array.from({ length: 1_000 }, away);
    const { log } = failing(failures);
    const told: unknown[] = [];
    const patient = createPatientLog(
      log,
      () => 0,
      (error) => told.push(error),
    );
    const reading = patient.read('a', 0, 0, 10);
    const rejected = expect(reading).rejects.toMatchObject({ code: 'kafka.unreachable' });
    await vi.waitFor(() => expect(told).toHaveLength(1));
    patient.hurry();
    await rejected;
    await expect(patient.end('a', 0)).rejects.toMatchObject({ code: 'kafka.unreachable' });
    failures.length = 0;
    expect(await patient.append('a', 0, ['x'])).toBe(0);
    expect((await patient.read('a', 0, 0, 10)).next).toBe(1);
    await patient.close();
  });

  it.each(['kafka.missing-topic', 'kafka.refused'] as ErrorCode[])(
    'takes %s for what passes where the topic has answered before',
    async (code) => {
      const failures: unknown[] = [];
      const { log, asked } = failing(failures);
      const patient = createPatientLog(log, () => 0);
      await patient.end('a', 0);
      failures.push(new KilldeerError(code, 'not known yet'));
      expect(await patient.end('a', 0)).toBe(0);
      expect(asked).toHaveLength(3);
      failures.push(new KilldeerError(code, 'never there'));
      await expect(patient.end('b', 0)).rejects.toMatchObject({ code });
      await patient.close();
    },
  );

  it('takes a wait for no answer: one in vain ends as well while nobody is there', async () => {
    let nowMs = 0;
    const patient = createPatientLog(failing([]).log, () => nowMs);
    nowMs = 70;
    expect(await patient.wait('a', 0, 0, 1)).toBe(false);
    expect(patient.silentMs('a')).toBe(70);
    await patient.close();
  });

  it('says how long a topic has not answered', async () => {
    let nowMs = 100;
    const { log } = failing([]);
    const patient = createPatientLog(log, () => nowMs);
    nowMs = 150;
    expect(patient.silentMs('a')).toBe(50);
    await patient.end('a', 0);
    nowMs = 170;
    expect(patient.silentMs('a')).toBe(20);
    expect(patient.silentMs('b')).toBe(70);
    await patient.append('b', 0, ['x']);
    expect(patient.silentMs('b')).toBe(70);
    await patient.close();
  });

  it('takes a refusal for no answer', async () => {
    let nowMs = 0;
    const { log } = failing([away()]);
    const patient = createPatientLog(
      log,
      () => nowMs,
      () => {
        nowMs = 80;
        expect(patient.silentMs('a')).toBe(80);
      },
    );
    await patient.end('a', 0);
    expect(nowMs).toBe(80);
    expect(patient.silentMs('a')).toBe(0);
    await patient.close();
  });
});

it('what is told seldom is told first, and then once a minute', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const told: unknown[] = [];
    const tell = seldom((error) => told.push(error));
    for (const what of ['first', 'second']) tell(what);
    vi.advanceTimersByTime(59_000);
    tell('third');
    vi.advanceTimersByTime(1_000);
    for (const what of ['fourth', 'fifth']) tell(what);
    expect(told).toEqual(['first', 'fourth']);
  } finally {
    vi.useRealTimers();
  }
});
