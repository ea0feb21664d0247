/** Everything that a partition's engine remembers, in one place: what a snapshot holds is what stands here. */
import { type Adoption, eased } from '../agent/known.js';
import { Observation, Readings } from '../agent/observation.js';
import { SessionTable } from '../agent/sessions.js';
import { AgentTable } from '../agent/table.js';
import type { AgentFacts } from '../decide/policy.js';
import { createCatalogue, featureNames } from '../detect/catalogue.js';
import { WindowPrior } from '../detect/counts.js';
import type { Detector } from '../detect/detector.js';
import type { CohortModel } from '../detect/model.js';
import { BudgetBook } from './budgets.js';
import type { EngineCounts, Shelf } from './contract.js';
import { SeenIds } from './dedupe.js';
import { FindingBook } from './findings.js';
import { FleetMemory } from './fleet-memory.js';
import { Pulse } from './pulse.js';
import type { Settings } from './settings.js';
import { Sightings } from './sightings.js';
import { StopBook } from './stop-book.js';
import { SuppressionBook } from './suppression-book.js';
import { VerdictBook } from './verdict-book.js';

/** Where the engine stands in the world of partitions; see design, fence. */
export interface Place {
  readonly partition: number;
  readonly epoch: number;
}

/** The state of one engine, shared by the files of this room alone. */
export class EngineState {
  settings: Settings;
  /** Digest of the settings in force, for findings. */
  config: string;
  model: CohortModel;
  /** Activations so far: profiles computed under an older one refresh their laws when next met. */
  modelStamp = 1;
  readonly place: Place;
  readonly shelf: Shelf;
  readonly table: AgentTable;
  readonly sessions: SessionTable;
  readonly ids: SeenIds;
  readonly findings: FindingBook;
  readonly budgets = new BudgetBook();
  /** What people said of findings. */
  readonly verdicts = new VerdictBook();
  /** What people said in advance. */
  readonly suppressions = new SuppressionBook();
  /** Stops in force, and what the traffic has shown of them. */
  readonly stops = new StopBook();
  /** What the fleet stage is told at the next tick, and what it has told. */
  readonly pulse = new Pulse();
  readonly fleet = new FleetMemory();
  /** Role and labels by agent key, for agents that have any. */
  readonly facts = new Map<string, AgentFacts>();
  /** Shelf position by agent key, oldest first. */
  readonly shelved = new Map<string, number>();
  /** Acting agents already reported to the inventory, each with the versions reported. */
  readonly sighted = new Sightings();
  /** When something is adopted that first came with a deploy. */
  deployAdoption: Adoption;
  readonly prior = new WindowPrior();
  /** Index in the model in force by cohort id. */
  readonly cohortIds = new Map<string, number>();
  readonly catalogue: readonly Detector[];
  readonly features: ReadonlyMap<string, readonly string[]>;
  readonly observation = new Observation();
  readonly readings = new Readings();
  /** Fused probability of the event scored last, for explain; nothing is decided by it. */
  fused = 1;
  /** The partition's clock: time of the last tick, ms; 0 before the first. */
  nowMs = 0;
  /** Where a profile came back from the shelf during this event: the look it missed, ms; else 0. */
  missedLookMs = 0;
  /** Means nothing: see Profile.warm. */
  warmth = 0;
  /** Refused newcomers in the running hour of the partition's time. */
  refusedThisHour = 0;
  readonly counts: EngineCounts = {
    events: 0,
    scored: 0,
    duplicates: 0,
    late: 0,
    notAdmitted: 0,
    ticks: 0,
    controls: 0,
    findings: 0,
    proposals: 0,
    agents: 0,
    evictions: 0,
    reloads: 0,
    learning: 0,
    provisional: 0,
    calibrated: 0,
  };

  constructor(settings: Settings, config: string, model: CohortModel, place: Place, shelf: Shelf) {
    this.settings = settings;
    this.deployAdoption = eased(settings.adoption);
    this.config = config;
    this.model = model;
    this.place = place;
    this.shelf = shelf;
    this.table = new AgentTable(settings.agentsMax, settings.hashSeed);
    this.sessions = new SessionTable(settings.sessionsMax);
    this.ids = new SeenIds(settings.idsMax);
    this.findings = new FindingBook(settings.closeAfterMs);
    this.catalogue = createCatalogue(this.prior);
    this.features = featureNames(this.catalogue);
    this.usePrior();
  }

  /** A new configuration, sizes of tables included; a table that is larger than its new size shrinks as it is used. */
  adopt(settings: Settings, config: string): void {
    this.settings = settings;
    this.deployAdoption = eased(settings.adoption);
    this.config = config;
    this.findings.closeAfterMs = settings.closeAfterMs;
    this.table.agentsMax = settings.agentsMax;
    this.sessions.sessionsMax = settings.sessionsMax;
    this.ids.idsMax = settings.idsMax;
  }

  activate(model: CohortModel): void {
    this.model = model;
    this.modelStamp++;
    this.usePrior();
  }

  private usePrior(): void {
    this.prior.use(this.model);
    this.cohortIds.clear();
    for (const [i, { id }] of this.model.cohorts.entries()) this.cohortIds.set(id, i);
  }
}
