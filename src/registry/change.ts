/**
 * What people change of the whole installation while it runs: how much is found, which model scores, and acts that
 * change nothing here but must be known. The engines are told of the first two and act on them.
 */
import { isPerson } from './actor.js';
import { type FoldState, rememberKey } from './fold-state.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { ModelChoice, RegistryRecord, SettingsInForce } from './registry.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** A model's version becomes a file's name. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Of false pages, and of notices, that one agent may cause a day: above it every ordinary day would be a finding. */
const SHARE_MAX = 0.5;
/** Replays are made and taken away, profiles forgotten, tokens made and revoked. */
const DEED_MAX = 64;

const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

/** The judgement of such a record; null: it is none of them. */
export function judgeChange(state: FoldState, record: RegistryRecord): Judgement | null {
  if (record.type === 'settings') return judgeSettings(state, record);
  if (record.type === 'model-choice') return judgeModel(state, record);
  if (record.type === 'deed') return judgeDeed(record);
  return null;
}

function judgeSettings(state: FoldState, record: Of<'settings'>): Judgement {
  const { key, settings, ifVersion, comment, actor, parent } = record;
  if (!isPerson(actor)) return refused('only a person changes settings');
  const { pagesPerAgentDay, noticesPerAgentDay } = settings;
  if (![pagesPerAgentDay, noticesPerAgentDay].every(isShare)) {
    return refused(`pages and notices per agent and day are numbers above 0 and at most ${SHARE_MAX}`);
  }
  const before = state.settings?.version ?? 0;
  if (state.keys.has(keyOf(record.type, key))) return duplicate(undefined);
  if (ifVersion !== null && ifVersion !== before) {
    return refuse('registry.conflict', `version ${ifVersion} was read, it is ${before} now`, undefined);
  }
  rememberKey(state, keyOf(record.type, key));
  const made = { settings: { pagesPerAgentDay, noticesPerAgentDay }, version: before + 1, sinceMs: state.clockMs };
  state.settings = { ...made, actor, parent, comment } satisfies SettingsInForce;
  return APPLIED;
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= SHARE_MAX;
}

function judgeModel(state: FoldState, { type, key, version, pin, actor }: Of<'model-choice'>): Judgement {
  if (!isPerson(actor)) return refused('only a person chooses a model');
  if (version !== null && !VERSION.test(version)) return refused('a version is a name of letters, digits and . _ -');
  if (state.keys.has(keyOf(type, key))) return duplicate(undefined);
  if (version === null && state.modelChoice?.pinned !== true) return refused('no model is pinned');
  rememberKey(state, keyOf(type, key));
  state.modelChoice =
    version === null ? null : ({ version, pinned: pin, sinceMs: state.clockMs, actor } satisfies ModelChoice);
  return APPLIED;
}

function judgeDeed({ what, about }: Of<'deed'>): Judgement {
  const isNamed = what.length > 0 && what.length <= DEED_MAX && about.length <= 1_000;
  return isNamed ? APPLIED : refused('an act has a short name and says what it was about');
}

function refused(reason: string): Judgement {
  return refuse('registry.refused', reason, undefined);
}

/** Keys of other records are their own. */
function keyOf(type: string, key: string): string {
  return `${type} ${key}`;
}
