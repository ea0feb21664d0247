/**
 * Text that reads well on a phone: what happened, who, how bad against the usual, what was done, where to press. Plain,
 * short, and without any character that acts instead of being seen.
 */
import type { FindingState } from '../triage/triage.js';
import { inert, shortened } from './inert.js';
import { amount, type RenderContext, takenWords } from './taken.js';

/** Characters of a text about one finding, at most. */
export const TEXT_MAX = 300;
/** Of a digest of many. */
export const DIGEST_MAX = 1_000;
/** Findings that a digest names. */
const DIGEST_NAMES = 8;

const AGENT_MAX = 40;
const FEATURE_MAX = 40;
const LINK_MAX = 120;

/** One finding, one thought a line. */
export function findingText(state: FindingState, context: RenderContext): string {
  const { finding, status } = state;
  const { severity, kind, agent, tenant } = finding;
  const whose = tenant === '' ? '' : ` (${shortened(inert(tenant), 20)})`;
  const word = status === 'closed' ? `closed ${severity}` : severity;
  const head = `${word.toUpperCase()} ${kind}: ${shortened(inert(agent), AGENT_MAX)}${whose}`;
  const rest = [measuredWords(state), `Done: ${takenWords(context.taken)}.`, pressWords(finding.id, context)].filter(
    (line) => line !== '',
  );
  const left = TEXT_MAX - head.length - rest.join('\n').length - 2;
  return [head, shortened(inert(finding.title), Math.max(20, left)), ...rest].join('\n').slice(0, TEXT_MAX);
}

function measuredWords({ finding }: FindingState): string {
  const [lead] = finding.attribution;
  if (lead === undefined) return '';
  const feature = shortened(inert(lead.feature), FEATURE_MAX);
  return `${feature}: ${amount(lead.observed)}, usual ${amount(lead.expected)}.`;
}

function pressWords(id: string, { link = null }: RenderContext): string {
  return link === null || link.length > LINK_MAX ? `Look: killdeer explain ${inert(id)}` : `Look: ${inert(link)}`;
}

/** What a digest says of one finding. */
export interface DigestLine {
  readonly severity: string;
  readonly kind: string;
  readonly agent: string;
}

/** Findings that were held back, as one text: the first of `lines`, how many in all, where to look. */
export function digestText(lines: readonly DigestLine[], count: number, link: string | null): string {
  const named = lines
    .slice(0, DIGEST_NAMES)
    .map(({ severity, kind, agent }) => `- ${severity} ${kind}: ${shortened(inert(agent), AGENT_MAX)}`);
  const more = count > named.length ? [`and ${count - named.length} more`] : [];
  const head = `${count} ${count === 1 ? 'finding was' : 'findings were'} held back: the day's pages are used up.`;
  const where = link === null || link.length > LINK_MAX ? 'Look: killdeer findings' : `Look: ${inert(link)}`;
  return [head, ...named, ...more, where].join('\n').slice(0, DIGEST_MAX);
}

/** What the registry did, one thing a line, as `ocsfRemediations` has it. */
export function actionText(words: readonly string[]): string {
  return shortened(words.map(inert).join('\n'), TEXT_MAX);
}
