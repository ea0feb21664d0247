/**
 * What people chose while everything runs, as the registry's log says it: how much is found, and which model scores.
 * It wins over the configuration's file, also after a restart, until somebody chooses anew.
 */
import type { Settings } from '../engine/settings.js';
import type { DetectionBudget } from '../registry/registry.js';
import type { LiveChange } from './live-parts.js';

export class Choices {
  /** null: those of the configuration. */
  budget: DetectionBudget | null = null;
  /** Chosen last, also where learned ones have followed it since; null: nobody chose. */
  model: string | null = null;
  private isPinned = false;
  /** Told of every change of the budget. */
  onBudget: (budget: DetectionBudget) => void = () => undefined;

  /** To be told every change, from the first one of the registry's log. */
  note({ record, verdict }: Pick<LiveChange, 'record' | 'verdict'>): void {
    if (verdict.effect !== 'applied') return;
    if (record.type === 'settings') {
      this.budget = record.settings;
      this.onBudget(record.settings);
    }
    if (record.type !== 'model-choice') return;
    this.model = record.version;
    this.isPinned = record.version !== null && record.pin;
  }

  /** Learned models do not take its place; null: they do. */
  pinned(): string | null {
    return this.isPinned ? this.model : null;
  }

  /** What is configured, with what was chosen in the place of it. */
  over(settings: Settings): Settings {
    return this.budget === null ? settings : overlaid(settings, this.budget);
  }
}

/** Settings with another budget; members keep their order, so that the digest says the same of the same. */
export function overlaid(settings: Settings, { pagesPerAgentDay, noticesPerAgentDay }: DetectionBudget): Settings {
  return { ...settings, pagesPerAgentDay, noticesPerAgentDay };
}

/** A learned model is put in force unless another one is pinned; one that was pinned meanwhile has the last word. */
export async function activateLearned(
  choices: Choices,
  version: string,
  activate: (version: string) => Promise<void>,
): Promise<void> {
  if (choices.pinned() !== null) return;
  await activate(version);
  // Whoever pinned it may have been faster: what stands last in the log counts.
  const pinned = choices.pinned();
  if (pinned !== null && pinned !== version) await activate(pinned);
}
