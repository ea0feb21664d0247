/** The one way into the log of everything that a process takes in, by HTTP and from sources. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config.js';
import type { Log } from '../log/log.js';
import { createIntake, type Intake } from '../pipeline/intake.js';

/** @param edges whether the log has the topic of who works for whom */
export function openIntake({ ingest }: Config, log: Pick<Log, 'partitions' | 'append'>, edges: boolean): Intake {
  const { dedupe: dedupeMs, dedupe_max: idsMax } = ingest;
  return createIntake({ log, clock: Date.now, dedupeMs, idsMax, seed: randomBytes(4).readUInt32LE(0), edges });
}
