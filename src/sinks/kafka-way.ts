/** Records into a topic of its own; the key is the agent, so that what concerns one agent keeps its order there. */
import type { Applied } from '../connect/contract.js';
import { KilldeerError } from '../errors.js';
import { inertJson } from '../render/inert.js';
import type { Publish, Way } from './contract.js';

export function createKafkaWay(topic: string, publish: Publish): Way {
  return {
    send: async ({ items }, signal): Promise<Applied> => {
      const records = items.map(({ key, about, value }) => ({
        key: about,
        value: inertJson(value),
        headers: { 'killdeer-key': key },
      }));
      try {
        await Promise.race([publish(topic, records), abortOf(signal)]);
        return { done: true, note: null };
      } catch (error) {
        const reason = error instanceof KilldeerError ? error.code : 'no answer in time';
        // What a broker says may name more than it should; the code says enough.
        return { done: false, reason: `topic: ${reason}`, retryAfterMs: null, fault: 'place' };
      }
    },
    close: async () => undefined,
  };
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(new Error('aborted'));
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}
