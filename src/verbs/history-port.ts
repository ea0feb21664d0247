/**
 * History as the API asks it: the store that this configuration and directory name, looked for when it is first asked
 * and again once it was lost. Where none is kept, or it does not answer, every question says so.
 */
import type { HistoryPort, PastDecision } from '../api/insight-contract.js';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import { activitySteps, namesFound, wholeEvents } from '../store/drill-down.js';
import { isEmbeddable } from '../store/embedded.js';
import { type DecisionRow, findDecisions } from '../store/queries.js';
import { createStore, type Store } from '../store/store.js';
import { filledStore } from './store-access.js';

export interface OpenedHistory {
  readonly port: HistoryPort;
  close(): Promise<void>;
}

export function openHistoryPort(config: Config, dir: string, isOn = true): OpenedHistory {
  let opening: Promise<Store> | null = null;
  const forget = async (): Promise<void> => {
    const opened = opening;
    opening = null;
    await opened?.then(
      (store) => store.close(),
      () => undefined,
    );
  };
  const ask = async <T>(question: (store: Store) => Promise<T>): Promise<T> => {
    if (!isOn || !isKept(config)) throw new KilldeerError('api.no-history', 'no history is kept here');
    opening ??= openStore(config, dir);
    try {
      return await question(await opening);
    } catch (error) {
      // It may come back somewhere else: the embedded engine draws a new port.
      if (error instanceof KilldeerError && error.retry) await forget();
      throw error;
    }
  };
  return {
    port: {
      events: (asked) => ask((store) => wholeEvents(store, asked)),
      activity: (asked) => ask((store) => activitySteps(store, asked)),
      names: (by, asked) => ask((store) => namesFound(store, by, asked)),
      decisions: (asked) =>
        ask(async (store) => {
          const { rows, cursor } = await findDecisions(store, asked);
          return { rows: rows.map(pastDecision), cursor };
        }),
    },
    close: forget,
  };
}

function isKept({ store: { kind } }: Config): boolean {
  return kind === 'clickhouse' || (kind !== 'none' && isEmbeddable());
}

async function openStore(config: Config, dir: string): Promise<Store> {
  const access = await filledStore(config, dir);
  if (access === null) throw new KilldeerError('store.unreachable', 'the embedded history does not run, or not yet');
  return createStore(config.store, access);
}

function pastDecision(row: DecisionRow): PastDecision {
  const { timeMs, type, actor, action, effect, verdict, finding, json } = row;
  return { timeMs, type, actor, action, effect, verdict, finding, reason: reasonOf(json) };
}

/** Why: the words of the record itself, of its proposal, or of its verdict. */
function reasonOf(json: string): string | null {
  const record = JSON.parse(json) as Record<'reason' | 'proposal' | 'verdict', unknown>;
  const texts = [record.reason, (record.proposal as Words)?.reason, (record.verdict as Words)?.comment];
  return texts.find((text) => typeof text === 'string') ?? null;
}

type Words = { readonly reason?: unknown; readonly comment?: unknown } | undefined;
