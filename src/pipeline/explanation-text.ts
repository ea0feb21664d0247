/** An explanation as a text for a person: one stage a line, aligned, no colours. Pure. */
import type { DetectorVerdict, Explanation, KnownVerdict, StepVerdict, WindowVerdict } from './explanation.js';

const LABEL_WIDTH = 10;
/** Names and reasons longer than this are cut. */
const TEXT_MAX = 160;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** About 25 lines, without a line break at the end. */
export function renderExplanation(explanation: Explanation): string {
  const { event, step, rejection, fate, time } = explanation;
  const lines = [row(explanation.id, `${placeOf(explanation)}${time === '' ? '' : `, ${time}`}`)];
  if (rejection !== null)
    return [...lines, row('decode', `refused, ${rejection.code}: ${rejection.reason}`)].join('\n');
  if (event !== null) {
    const on = event.target === null ? event.endpoint : `${event.endpoint} on ${event.target}`;
    lines.push(row('decode', `accepted: ${event.agent} ${event.operation} ${cut(on)}${suffix(event.status)}`));
  }
  if (fate === 'source') lines.push(row('engine', 'not scored: a source was refused or accepted'));
  else if (fate === 'responder') lines.push(row('engine', 'not scored: the registry had to tell people'));
  else if (step === null) lines.push(row('engine', `not scored: ${fate}`));
  else lines.push(...stepRows(step, fate));
  lines.push(...endRows(explanation));
  return lines.join('\n');
}

function placeOf({ partition, offset, fate }: Explanation): string {
  if (partition !== null) return `${fate === 'tick' ? 'tick, ' : ''}record ${offset} of partition ${partition}`;
  return fate === 'tick' ? `tick before line ${offset}` : `line ${offset}`;
}

function stepRows(step: StepVerdict, fate: Explanation['fate']): string[] {
  const { identity: i, session, endpoint, target, detectors, p, severity } = step;
  const cohort = i.cohort === null ? 'in no cohort' : `cohort ${i.cohort.id} of ${i.cohort.members}`;
  const root = `${i.root}${i.tenant === '' ? '' : ` of ${i.tenant}`}`;
  const lines = [
    row('identity', `root ${root}, ${i.bound ? 'bound' : 'not bound'}, ${cohort}`),
    row('profile', `${i.state}: ${i.closedDays} closed days, ${i.events} events, ${i.sessions} sessions`),
    row('model', `${i.model}, configuration ${i.config}`),
  ];
  if (fate === 'late') lines.push(row('late', 'its agent had moved on: judged without windows'));
  if (session !== null) {
    const opened = session.opened ? 'opened by it, ' : '';
    lines.push(row('session', `${opened}${session.events} events, ${plain(session.costUsd)} USD so far`));
  }
  const busiest = loudest(step.windows);
  if (busiest.length > 0) lines.push(row('windows', busiest.map(windowWords).join('; ')));
  if (endpoint !== null) lines.push(row('endpoint', knownWords(endpoint)));
  if (target !== null) lines.push(row('target', knownWords(target)));
  lines.push(...detectorTable(detectors));
  lines.push(row('fused', `p ${plain(p)}: ${severity ?? 'nothing to say'}`));
  return lines;
}

function endRows({ finding, proposals, decisions, stored }: Explanation): string[] {
  const lines: string[] = [];
  const { open, outcome } = finding;
  if (open === null) lines.push(row('finding', finding.lines.length > 0 ? 'written' : 'none'));
  else {
    const capped = finding.capped ? `, shown as ${open.shown}: another page is open` : '';
    const mutedBy = finding.lines.find((line) => line.mutedBy !== undefined)?.mutedBy;
    const muted = mutedBy === undefined ? '' : `, muted by ${mutedBy}`;
    lines.push(row('finding', `${outcome}: ${open.id}, ${open.kind}, ${open.reached}${capped}${muted}`));
  }
  for (const line of finding.lines) lines.push(row('', cut(line.title)));
  if (stored !== null && !finding.lines.some((line) => line.id === stored.id)) {
    lines.push(row('stored', `${stored.id}, ${stored.severity}, was made by ${stored.model}, ${stored.config}`));
  }
  for (const { action, agent, policy, rule, mode } of proposals) {
    lines.push(row('policy', `${policy}, rule ${rule}: ${action} ${agent} (${mode})`));
  }
  if (proposals.length === 0) lines.push(row('policy', 'proposes nothing'));
  for (const { effect, reason, status } of decisions) {
    lines.push(row('registry', cut(`${effect}, status ${status}: ${reason}`)));
  }
  return lines;
}

/** Who had something to say, in a table; the others by name. */
function detectorTable(detectors: readonly DetectorVerdict[]): string[] {
  const spoke = detectors.filter((d) => d.score > 0);
  const silent = detectors.filter((d) => d.ran && d.score <= 0);
  const lines: string[] = [];
  if (spoke.length > 0) {
    const head = ['detector', 'score', 'any', 'law', 'stated', 'corrected', 'share', 'measured'];
    const rows = [head, ...spoke.map(detectorCells)];
    const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
    for (const cells of rows) {
      lines.push(
        `  ${cells
          .map((cell, column) => cell.padEnd(widths[column]))
          .join('  ')
          .trimEnd()}`,
      );
    }
  }
  if (silent.length > 0) lines.push(row('no score', silent.map((d) => d.name).join(', ')));
  return lines;
}

function detectorCells(d: DetectorVerdict): string[] {
  const usual = d.expected > 0 ? `, usual ${plain(d.expected)}` : '';
  const share = d.share > 0 ? `${Math.round(d.share * 100)} %` : '-';
  const law = `${plain(d.mu)} +- ${plain(d.beta)}`;
  const measured = `${plain(d.observed)} ${d.feature}${usual}`;
  return [d.name, plain(d.score), plain(d.any), law, plain(d.stated), plain(d.corrected), share, measured];
}

/** The windows furthest above their mean, at most three. */
function loudest(windows: readonly WindowVerdict[]): WindowVerdict[] {
  const height = ({ count, mean, deviation }: WindowVerdict) => (count - mean) / Math.max(deviation, 1e-9);
  const counted = windows.filter((window) => window.count >= 1);
  return counted.sort((a, b) => height(b) - height(a)).slice(0, 3);
}

function windowWords({ stream, windowMs, count, mean }: WindowVerdict): string {
  return `${plain(count)} ${stream} in ${duration(windowMs)}, mean ${plain(mean)}`;
}

function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${ms / 1000} s`;
  return ms < HOUR_MS ? `${ms / MINUTE_MS} min` : `${ms / HOUR_MS} h`;
}

function knownWords({ name, adopted, sessions, peers, peersAdopted }: KnownVerdict): string {
  const seen = `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
  if (adopted) return `${cut(name)}: adopted, used in ${seen}`;
  const others = peers > 0 ? `, adopted by ${peersAdopted} of ${peers} others of the cohort` : '';
  return `${cut(name)}: not adopted, used in ${seen}${others}`;
}

function suffix(status: string | null): string {
  return status === null ? '' : `, ${status}`;
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}  ${text}`;
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 3)}...` : text;
}

/** Four significant digits. */
function plain(x: number): string {
  return String(Number(x.toPrecision(4)));
}
