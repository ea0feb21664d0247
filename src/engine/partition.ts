/**
 * Which partition an agent's records live in. Every writer of `log:events` uses this one function: an agent, its
 * sub-agents and their control records must meet in the same partition, for ever. Changing it strands profiles.
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Partition of (tenant, first '/'-segment of agent), 0 to partitions - 1. FNV-1a, 32 bits (Fowler, Noll, Vo; RFC 9923), over the
 * UTF-16 code units of `tenant NUL root`, low byte first: no encoder, no allocation, the same number on every machine.
 */
export function partitionOf(tenant: string, agent: string, partitions: number): number {
  const slash = agent.indexOf('/');
  const rootLength = slash < 0 ? agent.length : slash;
  let hash = FNV_OFFSET;
  hash = mix(hash, tenant, tenant.length);
  hash = mixUnit(hash, 0);
  hash = mix(hash, agent, rootLength);
  return (hash >>> 0) % partitions;
}

function mix(hash: number, text: string, length: number): number {
  let mixed = hash;
  for (let i = 0; i < length; i++) mixed = mixUnit(mixed, text.charCodeAt(i));
  return mixed;
}

function mixUnit(hash: number, unit: number): number {
  const low = Math.imul(hash ^ (unit & 0xff), FNV_PRIME);
  return Math.imul(low ^ (unit >>> 8), FNV_PRIME);
}
