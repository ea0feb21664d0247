/** What engines propose and see, as records of the registry. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Proposal } from '../decide/finding.js';
import type { Sighting, StopEffect } from '../engine/outcome.js';
import { KilldeerError } from '../errors.js';
import { failpoint } from './failpoint.js';
import type { LiveDraft, LiveRegistry } from './live-parts.js';

const RETRY_MS = 500;

export interface RegistryWriter {
  /** Resolves once the registry has all of it; tries again where a retry may help. */
  write(
    partition: number,
    proposals: readonly Proposal[],
    sightings: readonly Sighting[],
    effects?: readonly StopEffect[],
  ): Promise<void>;
  /** No more retries. */
  stop(): void;
}

export function createRegistryWriter(registry: Pick<LiveRegistry, 'write'>): RegistryWriter {
  let isStopping = false;
  const put = async (draft: LiveDraft): Promise<void> => {
    for (;;) {
      try {
        failpoint('registry-write');
        await registry.write(draft);
        failpoint('registry-written');
        return;
      } catch (error) {
        if (isStopping || !(error instanceof KilldeerError) || !error.retry) throw error;
        await sleep(RETRY_MS);
      }
    }
  };
  return {
    write: async (partition, proposals, sightings, effects = []) => {
      const actor = `engine:${partition}`;
      // Stops first: they share the log's next commit, and what was merely seen can wait for it.
      const drafts = [
        ...proposals.map((proposal) => proposalDraft(actor, proposal)),
        ...effects.map((effect) => effectDraft(actor, effect)),
        ...sightings.map((sighting) => seenDraft(actor, sighting)),
      ];
      for (const settled of await Promise.allSettled(drafts.map(put))) {
        if (settled.status === 'rejected') throw settled.reason;
      }
    },
    stop: () => {
      isStopping = true;
    },
  };
}

function proposalDraft(actor: string, proposal: Proposal): LiveDraft {
  return { type: 'proposal', proposal, actor, authority: proposal.policy, parent: proposal.finding };
}

/** What the traffic shows of a stop is one of the places that say how far it came. */
function effectDraft(actor: string, effect: StopEffect): LiveDraft {
  return { type: 'effect', place: 'traffic', ...effect, actor, authority: 'system', parent: null };
}

/** The parent of a sighting was vouched for by its partition, or taken out. */
function seenDraft(actor: string, { tenant, agent, agentVersion, parent }: Sighting): LiveDraft {
  const authority = { actor, authority: 'system', parent: null };
  return { type: 'seen', tenant, agent, agentVersion, parentAgent: parent, ...authority };
}
