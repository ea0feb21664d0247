/** The events that a finding rests on, read back from the log. */
import type { Evidence, Finding } from '../decide/finding.js';
import { partitionOf } from '../engine/partition.js';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import { EVENTS_TOPIC } from './layout.js';
import { decodeRecord } from './record-line.js';

type Readable = Pick<Log, 'read' | 'partitions'>;

/** Records looked at for one finding. */
const EVIDENCE_MAX = 100;

export interface Evidences {
  /** The event that a finding's line rests on; null: it rests on a tick, or the event is no longer kept. */
  event(finding: Finding): Promise<AgentEvent | null>;
  /** All of its events that are still kept, at most 100, in the order of the finding. */
  events(finding: Finding): Promise<AgentEvent[]>;
}

/** Log and prices are asked for anew at each call: who makes this may not have them yet. */
export function createEvidences(log: () => Readable, prices: () => PriceTable): Evidences {
  return {
    event: (finding) => evidenceOf(log(), prices(), finding),
    events: async (finding) => {
      const { tenant, root } = finding;
      const events: AgentEvent[] = [];
      for (const evidence of finding.evidence.slice(0, EVIDENCE_MAX)) {
        const event = await evidenceOf(log(), prices(), { tenant, root, evidence: [evidence] });
        if (event !== null) events.push(event);
      }
      return events;
    },
  };
}

/** null: it rests on a tick, or the log does not go back so far any more. Rejects where the log cannot be read. */
export async function evidenceOf(
  log: Readable,
  prices: PriceTable,
  { tenant, root, evidence }: Pick<Finding, 'tenant' | 'root'> & { readonly evidence: readonly Evidence[] },
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
