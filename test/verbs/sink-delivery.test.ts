import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { createSinkDesk, type SinkDelivery } from '../../src/verbs/sink-delivery.js';

const SIDE: Parameters<SinkDelivery['begin']>[0] = { write: async () => undefined as never, control: async () => {} };

/** A delivery that cannot begin so many times, as where the brokers are away, and what was asked of it. */
function failing(times: number) {
  const asked: string[] = [];
  let resolve = (): void => {};
  const begun = new Promise<void>((done) => {
    resolve = done;
  });
  const delivery: Omit<SinkDelivery, 'sinks'> = {
    begin: async () => {
      asked.push('begin');
      if (asked.length <= times) throw new KilldeerError('kafka.unreachable', 'the brokers are away');
      resolve();
    },
    rest: async () => void asked.push('rest'),
    close: async () => void asked.push('close'),
  };
  return { delivery: delivery as SinkDelivery, asked, begun };
}

describe('who delivers among several processes', () => {
  it('tries again where it could not begin, and rests only from what it began', async () => {
    const { delivery, asked, begun } = failing(2);
    const faults: unknown[] = [];
    const desk = createSinkDesk(delivery, (error) => faults.push(error), 1);
    desk.assigned([0, 1]);
    desk.open(SIDE);
    await begun;
    expect(asked).toEqual(['begin', 'begin', 'begin']);
    expect(faults).toHaveLength(2);
    await desk.close();
    expect(asked.slice(3)).toEqual(['rest', 'close']);
  });

  it('does nothing without partition 0, and no more once it is closed', async () => {
    const { delivery, asked } = failing(0);
    const desk = createSinkDesk(delivery, () => {}, 1);
    desk.open(SIDE);
    desk.assigned([1]);
    await desk.close();
    desk.assigned([0]);
    await desk.close();
    expect(asked).toEqual(['close', 'close']);
  });
});
