/** What people are shown of agents: history, what engines know, and findings explained. */
import type { InsightPort } from '../api/insight-contract.js';
import { bandRows } from '../engine/bands.js';
import type { Inspection } from '../engine/contract.js';
import { openExplain } from './explain-port.js';
import { openHistoryPort } from './history-port.js';
import type { Setup } from './setup.js';

export interface InsightOptions {
  readonly setup: Setup;
  /** Data directory: of the embedded history. */
  readonly dir: string;
  /** A log of files stands in it; false: it is the brokers'. */
  readonly isFileLog: boolean;
  readonly inspect: (tenant: string, root: string) => Promise<Inspection | null>;
  /** Left out: as the configuration says. */
  readonly history?: boolean;
}

export interface OpenedInsight {
  readonly port: InsightPort;
  close(): Promise<void>;
}

export function openInsight({ setup, dir, isFileLog, inspect, history }: InsightOptions): OpenedInsight {
  const past = openHistoryPort(setup.config, dir, history);
  const explain = openExplain({ directory: isFileLog ? dir : null, prices: setup.prices });
  return {
    port: { history: past.port, inspect: { inspect, bands: bandRows }, explain: explain.port },
    close: async () => {
      await explain.close();
      await past.close();
    },
  };
}
