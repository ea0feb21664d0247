/** A worker thread's line to the registry, which the main thread writes: each batch is told, and answered by its number. */
import type { PartitionEmit } from './partition-parts.js';
import { errorOf, type FromPartition, type ToPartition } from './protocol.js';

export interface RegistryLink {
  readonly tell: PartitionEmit['registry'];
  acknowledge(message: Extract<ToPartition, { type: 'acknowledged' }>): void;
}

export function createRegistryLink(say: (message: FromPartition) => void): RegistryLink {
  const waiting = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>();
  let last = 0;
  return {
    tell: (proposals, sightings, nowMs, effects) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        say({ type: 'registry', id: last, proposals, sightings, nowMs, effects });
      }),
    acknowledge: ({ id, fault }) => {
      const one = waiting.get(id);
      waiting.delete(id);
      if (fault === null) one?.resolve();
      else one?.reject(errorOf(fault));
    },
  };
}
