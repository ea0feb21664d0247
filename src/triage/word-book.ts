/**
 * What people said of findings, by finding. A word may be here before its finding is: the registry is read from its
 * first record on. Bounded: the findings that were spoken of last, and of each WORDS_MAX words.
 */
import type { RegistryRecord } from '../registry/registry.js';
import type { Word } from './standing.js';
import type { TriageInput } from './triage.js';

/** Of one finding; beyond it the oldest go. */
const WORDS_MAX = 1_000;
const NONE: readonly Word[] = Object.freeze([]);

export class WordBook {
  /** The finding that was spoken of last at the end. */
  private readonly words = new Map<string, Word[]>();
  /** Findings by verdict. */
  private readonly verdicts = new Map<string, { readonly finding: string; readonly verdict: string }>();

  constructor(private readonly findingsMax: number) {}

  of(finding: string): readonly Word[] {
    return this.words.get(finding) ?? NONE;
  }

  forget(finding: string): void {
    for (const { said } of this.of(finding)) if (said.what === 'verdict') this.verdicts.delete(said.id);
    this.words.delete(finding);
  }

  /** Takes what a record says of findings; their ids. */
  take({ record, verdict }: TriageInput): readonly string[] {
    if (verdict.effect !== 'applied') return [];
    switch (record.type) {
      case 'triage': {
        const { timeMs, actor, findings, change } = record;
        const word: Word = { timeMs, seenMs: timeMs, actor, said: change };
        const named = [...new Set(findings)];
        for (const finding of named) this.add(finding, word);
        return named;
      }
      case 'verdict':
        return this.judge(record);
      case 'verdict-undo': {
        const known = this.verdicts.get(record.id);
        if (known === undefined) return [];
        const { timeMs, actor, id } = record;
        this.add(known.finding, {
          ...{ timeMs, seenMs: timeMs, actor },
          said: { what: 'verdict-undone', id, verdict: known.verdict },
        });
        return [known.finding];
      }
      default:
        return [];
    }
  }

  private judge(record: Extract<RegistryRecord, { type: 'verdict' }>): readonly string[] {
    const { timeMs, actor } = record;
    const { id, verdict, finding, comment, sinceMs } = record.verdict;
    if (finding === null) return [];
    this.verdicts.set(id, { finding, verdict });
    // A verdict names the line that the person had before them.
    this.add(finding, { timeMs, seenMs: sinceMs, actor, said: { what: 'verdict', id, verdict, comment } });
    return [finding];
  }

  private add(finding: string, word: Word): void {
    const known = this.words.get(finding) ?? [];
    this.words.delete(finding);
    this.words.set(finding, known);
    known.push(word);
    if (known.length > WORDS_MAX) known.shift();
    if (this.words.size > this.findingsMax) this.forget(this.words.keys().next().value as string);
  }
}
