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

/** Hands over every committed record of the topic, oldest first. */
export type ReadModels = (take: (key: string, value: Uint8Array | null) => void) => Promise<void>;

export function modelRecord(model: CohortModel): TransactionRecord {
  return { topic: MODELS_TOPIC, partition: 0, key: MODEL + model.version, value: JSON.stringify(modelToJson(model)) };
}

export function learnerRecord(bytes: Uint8Array): TransactionRecord {
  return { topic: MODELS_TOPIC, partition: 0, key: LEARNER, value: bytes };
}

export class KeyedModels {
  private models = new Map<string, Uint8Array>();
  private learner: Uint8Array | null = null;

  constructor(private readonly readAll: ReadModels) {}

  /** Reads the topic as it is now. */
  async refresh(): Promise<void> {
    const models = new Map<string, Uint8Array>();
    let learner: Uint8Array | null = null;
    await this.readAll((key, value) => {
      if (key === LEARNER) learner = value;
      else if (!key.startsWith(MODEL)) return;
      else if (value === null) models.delete(key.slice(MODEL.length));
      else models.set(key.slice(MODEL.length), value);
    });
    this.models = models;
    this.learner = learner;
  }

  has(version: string): boolean {
    return this.models.has(version);
  }

  /** As read last; null: nothing was kept yet. */
  get learnerState(): Uint8Array | null {
    return this.learner;
  }

  /** Resolves once it is here, if it is anywhere. */
  async fetch(version: string): Promise<void> {
    if (!this.models.has(version)) await this.refresh();
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
