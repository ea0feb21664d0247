/**
 * What owners are told of pages about their agents: that there is one, in plain words, and what people made of it. In
 * whatever order findings and the registry's records arrive, the same is told; what a verdict or suppression muted is
 * no page, and nobody hears of it.
 */
import { type Finding, isPage } from '../decide/finding.js';
import type { Resolution } from '../registry/registry.js';
import type { Known, Notice } from './notice.js';
import type { Change } from './wish-book.js';
import { timeOf } from './words.js';

/** Pages, and outcomes, that are remembered, newest. */
const KEPT_MAX = 2_000;

const WORDS: Readonly<Record<Resolution, string>> = {
  'expected': 'it was expected, and is no more told for a while',
  'false-positive': 'it was a false alarm',
  'true-positive': 'it was what it looked like, and they are at it',
  'duplicate': 'it was told already',
  'other': 'nothing more is to be done',
};

interface Outcome {
  readonly word: Resolution;
  readonly timeMs: number;
}

export class OwnerPages {
  /** Every page by finding: its first line. */
  private readonly pages = new Map<string, Finding>();
  private readonly outcomes = new Map<string, readonly Outcome[]>();
  /** Pages that nobody could be named for yet. */
  private readonly waiting: Finding[] = [];
  private known: Known | null = null;

  /** @param tell takes what is to be told; what was told already it passes over */
  constructor(private readonly tell: (notice: Notice) => void) {}

  /** From here on the registry is known, so owners are. */
  open(known: Known): void {
    this.known = known;
    for (const finding of this.waiting.splice(0)) this.tellPage(finding, known);
  }

  finding(finding: Finding): void {
    if (!isPage(finding.severity) || finding.mutedBy !== undefined || finding.root === 'fleet') return;
    if (this.pages.has(finding.id)) return;
    keep(this.pages, finding.id, finding);
    if (this.known !== null) {
      this.tellPage(finding, this.known);
      return;
    }
    this.waiting.push(finding);
    if (this.waiting.length > KEPT_MAX) this.waiting.shift();
  }

  /** Takes a change in, from the first one of the log on. */
  note({ record, verdict }: Change): void {
    if (verdict.effect !== 'applied') return;
    const { timeMs } = record;
    if (record.type === 'verdict' && record.verdict.finding !== null) {
      this.end(record.verdict.finding, { word: record.verdict.verdict, timeMs });
    }
    if (record.type !== 'triage' || record.change.what !== 'status' || record.change.status !== 'closed') return;
    for (const id of record.findings) this.end(id, { word: record.change.resolution ?? 'other', timeMs });
  }

  private end(id: string, outcome: Outcome): void {
    keep(this.outcomes, id, [...(this.outcomes.get(id) ?? []).slice(-9), outcome]);
    const finding = this.pages.get(id);
    if (finding !== undefined && this.known !== null) this.tell(outcomeNotice(finding, outcome, this.known));
  }

  private tellPage(finding: Finding, known: Known): void {
    this.tell(pageNotice(finding, known));
    for (const outcome of this.outcomes.get(finding.id) ?? []) this.tell(outcomeNotice(finding, outcome, known));
  }
}

function pageNotice(finding: Finding, known: Known): Notice {
  const { id, agent, title, time } = finding;
  const timeMs = Date.parse(time);
  const text = [
    `Your agent ${agent} did something unusual at ${timeOf(timeMs)}.`,
    `What: ${title}.`,
    `What to do: if it was meant to do that, tell your operators, who know it by its number: ${id}.`,
  ].join('\n');
  return { key: `finding/${id}`, ...addressOf(finding, known), timeMs, type: 'finding.page', text };
}

function outcomeNotice(finding: Finding, { word, timeMs }: Outcome, known: Known): Notice {
  const { id, agent, title } = finding;
  const text = [
    `Your operators looked at what your agent ${agent} did: ${WORDS[word]}.`,
    `It was about: ${title}.`,
    `What to do: nothing, if that is right. If not, tell them; its number is ${id}.`,
  ].join('\n');
  return { key: `finding/${id}/${word}`, ...addressOf(finding, known), timeMs, type: 'finding.outcome', text };
}

/** Whoever answers for the acting agent, else for the one that it works for. */
function addressOf({ tenant, agent, root }: Finding, known: Known): Pick<Notice, 'owner' | 'tenant' | 'agent'> {
  const owner = known.entry(tenant, agent)?.owner ?? known.entry(tenant, root)?.owner ?? null;
  return { owner, tenant, agent };
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key);
  kept.set(key, value);
  if (kept.size <= KEPT_MAX) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
