/** Newcomers of a role that is known: some burst in their first minute, most do what the role does. */
import { isPage } from '../../src/decide/finding.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS } from '../engine/world.js';
import { play, timeOf } from './arena.js';
import { medianOf } from './burst.js';
import { type Agent, eventsOf, merged } from './rhythm.js';

const ROLE = 'clerk';
const GAP_MS = 30 * SECOND_MS;
const BURST = 10;

export interface NewcomerFigures {
  readonly benign: number;
  /** Benign newcomers with a page, and with a notice, on their first day. */
  readonly paged: number;
  readonly noticed: number;
  readonly bursting: number;
  /** Bursts in a first minute with a finding about the rate in it, and with a page. */
  readonly found: number;
  readonly foundPaged: number;
  readonly medianS: number;
  readonly kinds: readonly string[];
}

/** Members work for some days; then newcomers of their role come, one after the other, for a day. */
export function measureNewcomers(members: number, days: number, benign: number, bursting: number): NewcomerFigures {
  const fromMs = START_MS + days * DAY_MS;
  const agents: Agent[] = [];
  const base = { rhythm: 'poisson', seed: 'newcomers', gapMs: GAP_MS } as const;
  for (let at = 0; at < members; at++) agents.push({ ...base, name: `member-${at}`, toMs: fromMs + DAY_MS });
  const begins = (at: number, of: number): number => fromMs + (12 * HOUR_MS * (at + 1)) / (of + 1);
  for (let at = 0; at < benign; at++) {
    const name = `newcomer-${at}`;
    agents.push({ ...base, name, fromMs: begins(at, benign), toMs: fromMs + DAY_MS });
  }
  for (let at = 0; at < bursting; at++) {
    const name = `burster-${at}`;
    const first = begins(at, bursting);
    const paceAt = (timeMs: number): number => (timeMs < first + MINUTE_MS ? BURST : 1);
    agents.push({ ...base, name, fromMs: first, toMs: first + HOUR_MS, paceAt });
  }
  const budgets = { sessionUsd: null, dayUsd: null };
  const { findings } = play(merged(agents.map(eventsOf)), {
    agents: agents.map(({ name }) => ({ agent: name, role: ROLE, owner: null, labels: [], budgets })),
  });
  const about = (prefix: string) => findings.filter(({ root }) => root.startsWith(prefix));
  const rootsOf = (list: typeof findings) => new Set(list.map(({ root }) => root)).size;
  const rates = about('burster').filter(({ kind }) => kind === 'rate-burst');
  const firsts = agents.flatMap(({ name, fromMs: first = 0 }) => {
    const line = rates.find((finding) => finding.root === name && timeOf(finding) <= first + MINUTE_MS);
    return line === undefined ? [] : [{ line, s: (timeOf(line) - first) / SECOND_MS }];
  });
  const pages = rates.filter(({ severity }) => isPage(severity));
  return {
    benign,
    paged: rootsOf(about('newcomer').filter(({ severity }) => isPage(severity))),
    noticed: rootsOf(about('newcomer').filter(({ severity }) => !isPage(severity))),
    bursting,
    found: firsts.length,
    foundPaged: rootsOf(pages),
    medianS: medianOf(firsts.map(({ s }) => s)),
    kinds: [...new Set(firsts.map(({ line }) => `${line.kind}/${line.severity}`))],
  };
}
