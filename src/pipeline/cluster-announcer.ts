/**
 * How the partitions of an installation of many processes learn what is configured. Whoever scores announces, at its
 * start, a configuration that nobody announced before; what people choose while it runs, the owners of the partitions
 * tell (score-role.ts). An announcement that was under way while somebody chose may come after what the owner told, so
 * whoever announced says it once more: the last word in every partition is then the last one in the registry's log.
 */
import type { ControlRecord } from '../engine/record.js';
import type { Settings } from '../engine/settings.js';
import type { Log } from '../log/log.js';
import type { Choices } from './choices.js';
import { announceModel, announceSettings, type ClusterMemory } from './cluster-state.js';
import type { LiveChange, LiveReport } from './live-parts.js';

export interface AnnouncerParts {
  /** Resolves once the record is durable in every partition. */
  readonly append: (record: ControlRecord) => Promise<void>;
  readonly log: () => Log;
  /** What the file says. */
  readonly configured: () => Settings;
  readonly choices: Choices;
  readonly clock: () => number;
  /** Models are learned: the one that learning started from stays what it was. */
  readonly learns: boolean;
  readonly report: (report: LiveReport) => void;
}

export class Announcer {
  private hasAnnounced = false;

  constructor(private readonly parts: AnnouncerParts) {}

  /** What is configured here and was not announced yet; `start` is the model that the file names. */
  async announce(memory: ClusterMemory, start: string): Promise<void> {
    const { append, log, configured, choices, clock, learns } = this.parts;
    const now = configured();
    const timeMs = clock();
    if (JSON.stringify(now) !== JSON.stringify(memory.settings)) {
      this.hasAnnounced = true;
      await append({ type: 'config', timeMs, settings: choices.over(now) });
      await announceSettings(log(), now, timeMs);
    }
    if (learns || choices.model !== null || start === memory.model) return;
    await append({ type: 'model', timeMs, version: start });
    await announceModel(log(), start, timeMs);
  }

  /** To be told every change since the start; `isLearning`: this process puts learned models in force. */
  noteChange({ record, verdict }: LiveChange, isLearning: boolean): void {
    if (verdict.effect !== 'applied') return;
    const { configured, choices } = this.parts;
    const { timeMs } = record;
    if (record.type === 'settings' && this.hasAnnounced) {
      this.again({ type: 'config', timeMs, settings: choices.over(configured()) });
    }
    const pinned = choices.pinned();
    if (record.type === 'model-choice' && pinned !== null && isLearning) {
      this.again({ type: 'model', timeMs, version: pinned });
    }
  }

  private again(record: ControlRecord): void {
    this.parts.append(record).catch((error) => {
      this.parts.report({ level: 'warn', message: `a record of type ${record.type} was not told again`, error });
    });
  }
}
