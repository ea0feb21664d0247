/** A thread's answer to a question about one of its agents: whatever goes wrong, the partition goes on. */
import type { Partition } from './partition-parts.js';
import { type FromPartition, faultOf, type ToPartition } from './protocol.js';

export function inspectAnswer(
  partition: Pick<Partition, 'inspect'>,
  { id, tenant, agent }: Extract<ToPartition, { type: 'inspect' }>,
): FromPartition {
  try {
    return { type: 'inspected', id, inspection: partition.inspect(tenant, agent), fault: null };
  } catch (error) {
    return { type: 'inspected', id, inspection: null, fault: faultOf(error) };
  }
}
