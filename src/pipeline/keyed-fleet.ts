/**
 * The fleet stage on Kafka: in the thread that learns, of which there is one, fenced by its transactions. It reads what
 * the owners committed, keeps what it remembers beside the models, and writes its records as ingest writes events:
 * perhaps twice, which an engine notices.
 */
import type { FleetRecord } from '../engine/fleet-record.js';
import { placeOf } from '../engine/record-place.js';
import type { Log } from '../log/log.js';
import { FleetLoop } from './fleet-loop.js';
import type { Transactions } from './keyed-ledger.js';
import { fleetRecord } from './keyed-models.js';
import { EVENTS_TOPIC } from './layout.js';
import { type FromLearner, faultOf } from './protocol.js';
import { encodeRecord } from './record-line.js';
import { MODELS_TOPIC, SIGNALS_TOPIC } from './topics.js';

export interface KeyedFleetParts {
  readonly log: Log;
  readonly partitions: number;
  readonly writer: Transactions;
  /** What was kept before; null: nothing. */
  readonly kept: Uint8Array | null;
  readonly say: (message: FromLearner) => void;
}

export interface KeyedFleet {
  /** Rejects where the thread must end: another one does its work, or nobody knows what was kept. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Starts at once. */
export function openKeyedFleet({ log, partitions, writer, kept, say }: KeyedFleetParts): KeyedFleet {
  let known = kept;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever waits for it may have ended before.
  failed.catch(() => undefined);
  const loop = new FleetLoop({
    partitions,
    places: Array.from({ length: partitions }, (_, partition) => ({ log, topic: SIGNALS_TOPIC, partition })),
    store: {
      name: MODELS_TOPIC,
      read: async () => known,
      write: async (bytes) => {
        await writer.commit([fleetRecord(bytes)]);
        known = bytes;
      },
    },
    write: (record) => append(log, record, partitions),
    clock: () => performance.now(),
    onFault: (error) => {
      if (writer.failure !== null) fail(error);
      else say({ type: 'note', level: 'warn', message: `the fleet stage is started again: ${faultOf(error).message}` });
    },
  });
  loop.start();
  return { failed, stop: () => loop.stop() };
}

async function append(log: Log, record: FleetRecord, partitions: number): Promise<void> {
  const place = placeOf(record, partitions);
  const to = place === null ? Array.from({ length: partitions }, (_, partition) => partition) : [place];
  const line = encodeRecord(record);
  for (const partition of to) await log.append(EVENTS_TOPIC, partition, [line]);
}
