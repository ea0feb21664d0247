/**
 * Cohort models on a topic that keeps the last record of each key: written before any record names them, so whoever
 * meets an activation finds its model, perhaps after a look at what was written since.
 */
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { modelFromJson, modelToJson } from '../learn/model-file.js';
import type { TransactionRecord } from './keyed-ledger.js';
import type { ModelSource } from './model-folder.js';
import { MODELS_TOPIC } from './topics.js';

const MODEL = 'model/';
/** What the learner remembers. */
const LEARNER = 'learner';
/** What the fleet stage remembers. */
const FLEET = 'fleet';

/** Kept in memory although nobody asked for them: the newest. The topic may hold every one that ever was. */
const NEWEST = 2;
/** Of those that were asked for: more than one batch of records may name. */
const ASKED_MAX = 32;

/** Hands over every committed record of the topic, oldest first. */
export type ReadModels = (take: (key: string, value: Uint8Array | null) => void) => Promise<void>;

export function modelRecord(model: CohortModel): TransactionRecord {
  return { topic: MODELS_TOPIC, partition: 0, key: MODEL + model.version, value: JSON.stringify(modelToJson(model)) };
}

export function learnerRecord(bytes: Uint8Array): TransactionRecord {
  return { topic: MODELS_TOPIC, partition: 0, key: LEARNER, value: bytes };
}

export function fleetRecord(bytes: Uint8Array): TransactionRecord {
  return { topic: MODELS_TOPIC, partition: 0, key: FLEET, value: bytes };
}

export class KeyedModels {
  private models = new Map<string, Uint8Array>();
  /** The one asked for last stands last. */
  private readonly asked = new Set<string>();
  private learner: Uint8Array | null = null;
  private fleet: Uint8Array | null = null;

  constructor(private readonly readAll: ReadModels) {}

  /** Reads the topic as it is now. */
  async refresh(): Promise<void> {
    const models = new Map<string, Uint8Array>();
    let learner: Uint8Array | null = null;
    let fleet: Uint8Array | null = null;
    await this.readAll((key, value) => {
      if (key === LEARNER) learner = value;
      else if (key === FLEET) fleet = value;
      else if (!key.startsWith(MODEL)) return;
      else if (value === null) models.delete(key.slice(MODEL.length));
      else this.keep(models, key.slice(MODEL.length), value);
    });
    this.models = models;
    this.learner = learner;
    this.fleet = fleet;
  }

  has(version: string): boolean {
    return this.models.has(version);
  }

  /** As read last; null: nothing was kept yet. */
  get learnerState(): Uint8Array | null {
    return this.learner;
  }

  /** As read last; null: nothing was kept yet. */
  get fleetState(): Uint8Array | null {
    return this.fleet;
  }

  /** Resolves once it is here, if it is anywhere. */
  async fetch(version: string): Promise<void> {
    this.asked.delete(version);
    this.asked.add(version);
    for (const oldest of this.asked) {
      if (this.asked.size <= ASKED_MAX) break;
      this.asked.delete(oldest);
    }
    if (!this.models.has(version)) await this.refresh();
  }

  private keep(models: Map<string, Uint8Array>, version: string, value: Uint8Array): void {
    models.delete(version);
    models.set(version, value);
    const unasked = [...models.keys()].filter((known) => !this.asked.has(known));
    for (const old of unasked.slice(0, -NEWEST)) models.delete(old);
  }

  /** Throws 'model.invalid': going on without a model that a record names would change scores. */
  readonly source: ModelSource = (version) => {
    const bytes = this.models.get(version);
    if (bytes === undefined) throw new KilldeerError('model.invalid', `model ${version} is not in ${MODELS_TOPIC}`);
    const model = modelFromJson(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (typeof model === 'string') throw new KilldeerError('model.invalid', `model ${version}: ${model}`);
    return model;
  };
}
