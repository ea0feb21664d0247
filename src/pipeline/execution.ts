/** A partition's engine at its place in the log: takes record after record; a configuration record makes it anew. */
import type { Shelf } from '../engine/contract.js';
import { PartitionEngine } from '../engine/engine.js';
import type { Outcome } from '../engine/outcome.js';
import type { EngineRecord } from '../engine/record.js';
import type { Settings } from '../engine/settings.js';
import type { Place } from '../engine/state.js';
import { KilldeerError } from '../errors.js';
import { isDiskFull } from '../log/files.js';
import type { ModelSource } from './model-folder.js';
import { parseStoredSettings } from './stored-settings.js';

export interface ExecutionParts {
  readonly place: Place;
  readonly shelf: Shelf;
  readonly models: ModelSource;
}

export class Execution {
  engine: PartitionEngine;
  /** Version in force. */
  model: string;
  /** In force. */
  settings: Settings;

  /** Throws 'model.invalid' where the model in force is not there. */
  constructor(
    private readonly parts: ExecutionParts,
    from: { readonly model: string; readonly settings: Settings },
    snapshot?: Uint8Array,
  ) {
    this.model = from.model;
    this.settings = from.settings;
    this.engine = this.openEngine(snapshot);
  }

  /** Throws 'partition.fault', which names the record. */
  step(record: EngineRecord, offset: number, outcome: Outcome): void {
    try {
      this.engine.step(record, offset, outcome);
      if (record.type === 'model') this.model = record.version;
      else if (record.type === 'config') this.configure(record.settings as Settings);
    } catch (error) {
      // Of the shelf: not this record's fault.
      if (isDiskFull(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new KilldeerError(
        'partition.fault',
        `record ${offset} (${record.type}) could not be executed: ${reason}`,
        error,
      );
    }
  }

  /** Some settings take hold only as an engine is made; made anew here, a restored engine is no different. */
  private configure(settings: Settings): void {
    const snapshot = this.engine.snapshot();
    this.settings = settings;
    this.engine = this.openEngine(snapshot);
  }

  private openEngine(snapshot?: Uint8Array): PartitionEngine {
    const parsed = parseStoredSettings(this.settings);
    if (parsed === null) throw new KilldeerError('config.invalid', 'the settings of the partition are incomplete');
    const { models, ...parts } = this.parts;
    const options = { ...parsed, ...parts, models, model: models(this.model), parseSettings: parseStoredSettings };
    return new PartitionEngine(options, snapshot);
  }
}
