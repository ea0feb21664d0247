/** The event that a finding's line rests on, read back from the log. */
import type { Finding } from '../decide/finding.js';
import { partitionOf } from '../engine/partition.js';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import { EVENTS_TOPIC } from './layout.js';
import { decodeRecord } from './record-line.js';

/** null: it rests on a tick, or the log does not go back so far any more. Rejects where the log cannot be read. */
export async function evidenceOf(
  log: Pick<Log, 'read' | 'partitions'>,
  prices: PriceTable,
  { tenant, root, evidence }: Pick<Finding, 'tenant' | 'root' | 'evidence'>,
): Promise<AgentEvent | null> {
  const [first] = evidence;
  if (first === undefined || first.event === null) return null;
  const partition = partitionOf(tenant, root, log.partitions(EVENTS_TOPIC));
  try {
    const { records } = await log.read(EVENTS_TOPIC, partition, first.offset, 1);
    const record = records[0];
    if (record?.offset !== first.offset) return null;
    const decoded = decodeRecord(record.value, record.offset, prices);
    if ('rejected' in decoded || decoded.type !== 'event' || decoded.event.id !== first.event) return null;
    return decoded.event;
  } catch (error) {
    if (error instanceof KilldeerError && error.code === 'log.offset-out-of-range') return null;
    throw error;
  }
}
