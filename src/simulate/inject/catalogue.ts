/** The kinds of injection. */
import { budgetBlowup, costCreep, fanOut, rateBurst, retryLoop } from './failures.js';
import {
  dormantWakes,
  hijack,
  newEndpointSet,
  privilegeCreep,
  sharedCredential,
  slowExfiltration,
} from './intrusions.js';
import { newToolRollout, providerOutage, weeklyBatch } from './negatives.js';
import type { Inject, InjectionKind } from './plan.js';

/** How each kind is played, by its label's name. */
export const INJECTIONS: Readonly<Record<InjectionKind, Inject>> = {
  'rate-burst-x10': rateBurst,
  'retry-loop': retryLoop,
  'new-endpoint-set': newEndpointSet,
  'privilege-creep': privilegeCreep,
  'cost-creep-2pct-per-hour': costCreep,
  'budget-blowup': budgetBlowup,
  'dormant-wakes': dormantWakes,
  'shared-credential': sharedCredential,
  'sub-agent-fan-out': fanOut,
  'slow-exfiltration': slowExfiltration,
  hijack,
  'negative:provider-outage': providerOutage,
  'negative:new-tool-rollout': newToolRollout,
  'negative:weekly-batch': weeklyBatch,
};
