/** What the child process of a replay is told, and what it says: plain data between two processes of one program. */
import type { ReplayResult, ReplayWish } from '../api/replay-contract.js';
import type { Config } from '../config.js';
import type { PriceTable } from '../event/prices.js';

export interface ReplayTask {
  /** Data directory of the server. */
  readonly directory: string;
  readonly wish: ReplayWish;
  readonly config: Config;
  readonly prices: PriceTable;
  /** Where the findings go, a line each. */
  readonly findingsPath: string;
}

export type FromReplay =
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'done'; readonly result: ReplayResult }
  | { readonly type: 'failed'; readonly reason: string };
