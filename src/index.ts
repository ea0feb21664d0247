/**
 * Killdeer as a library: the pure rooms, to be put into a process of one's own. Same records, same settings, same
 * bytes out; nothing here reads a clock, a file or the network, but for the copy of a server's registry that a gateway
 * keeps (`openRegistryCopy`). The program is main.ts.
 *
 * A minimal use: `decodeLine` makes an event of a line, `PartitionEngine.step` takes it and fills an `Outcome` with
 * findings and proposals, `createFold().apply` judges the proposals, and its `decide` answers for an agent.
 */
export { LAYOUT, PROFILE_BYTES } from './agent/layout.js';
export { rootOf } from './agent/lineage.js';
export {
  type CopyDecision,
  openRegistryCopy,
  type RegistryCopy,
  type RegistryCopyOptions,
} from './api/registry-copy.js';
export { type Config, configSchema, parseConfig, settingsDigest, settingsOf } from './config.js';
export { type CompiledPolicy, compilePolicy, type PolicyProblem } from './decide/compile-policy.js';
export * from './decide/finding.js';
export type * from './decide/intent.js';
export { BRAKES_DEFAULT, type Brakes, type Policy, type PolicyRule } from './decide/policy.js';
export type { Cohort, CohortModel, DayLaw, TailLaw } from './detect/model.js';
export type { Engine, EngineCounts, Shelf } from './engine/contract.js';
export { type EngineOptions, PartitionEngine } from './engine/engine.js';
export { clearOutcome, createOutcome, type Outcome, type Sample, type Sighting } from './engine/outcome.js';
export { partitionOf } from './engine/partition.js';
export type * from './engine/record.js';
export type { Settings } from './engine/settings.js';
export { ERRORS, type ErrorCode, KilldeerError } from './errors.js';
export { decodeLine } from './event/decode.js';
export * from './event/event.js';
export { createLineSplitter } from './event/lines.js';
export { PRICE_LIST, PRICE_LIST_DATE } from './event/price-list.js';
export { createPriceTable, type PriceRow, type PriceTable } from './event/prices.js';
export { Learner, type LearnerOptions } from './learn/learner.js';
export { type ModelJson, modelFromJson, modelToJson } from './learn/model-file.js';
export { neutralModel } from './learn/neutral-model.js';
export type { Log, LogBatch, LogRecord } from './log/log.js';
export { createFold, restoreFold } from './registry/fold.js';
export type * from './registry/registry.js';
export { SCENARIOS, type Scenario } from './simulate/scenario.js';
export { createSimulation, type Simulation, type SimulationOptions, simulationOptions } from './simulate/simulation.js';
