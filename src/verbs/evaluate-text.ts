/** The figures of `evaluate` as tables for a person. */

import { type CalibrationReport, NOMINALS } from '../tune/calibration.js';
import type { KindReport, Quartiles, Report } from '../tune/evaluate.js';
import type { Interval } from '../tune/intervals.js';
import { RULES } from '../tune/rules.js';
import type { RecordingReport, TotalReport } from './evaluate-report.js';
import { type Cell, count, spanText, type Terminal } from './terminal.js';

const NONE = '-';

export function showEvaluations(
  terminal: Terminal,
  reports: readonly RecordingReport[],
  totals: readonly TotalReport[],
): void {
  for (const total of totals) {
    const { budget, recordings } = total;
    const days = total.agentDays.toFixed(1);
    terminal.say(`${terminal.paint.bold(`budget ${budget}`)} false pages per agent-day`);
    terminal.say(`${count(recordings)} recordings, ${count(total.events)} events, ${days} agent-days judged`);
    terminal.say('');
    if (recordings > 1)
      showRecordings(
        terminal,
        reports.filter((report) => report.budget === budget),
      );
    showKinds(terminal, total);
    showMethods(terminal, total);
    showHardNegatives(terminal, total);
    if (total.calibration !== undefined) showCalibration(terminal, total.calibration);
  }
}

const METHOD_HEAD = ['found', 'by chance', 'false pages', 'per agent-day', '95 %', 'of budget', 'avg. precision'];

function methodCells(report: Report): Cell[] {
  const { falsePagesPerAgentDay: rate, falsePagesInterval, timesBudget, averagePrecision } = report;
  return [
    `${count(report.found)} of ${count(report.windows)}`,
    report.byChance.toFixed(1),
    count(report.falsePages),
    rate === null ? NONE : rate.toFixed(4),
    falsePagesInterval === null ? NONE : intervalText(falsePagesInterval, (x) => x.toFixed(4)),
    timesBudget === null ? NONE : `${timesBudget.toFixed(2)} x`,
    averagePrecision === null ? NONE : averagePrecision.toFixed(3),
  ];
}

function showRecordings(terminal: Terminal, reports: readonly RecordingReport[]): void {
  const rows = reports.map((report): Cell[] => [report.recording, ...methodCells(report)]);
  terminal.table(['recording', ...METHOD_HEAD], rows);
  terminal.say('');
}

function showMethods(terminal: Terminal, total: TotalReport): void {
  const rows: Cell[][] = [
    ['killdeer', ...methodCells(total)],
    ...RULES.map((name): Cell[] => [`rule ${name}`, ...methodCells(total.rules[name])]),
  ];
  terminal.table(['method', ...METHOD_HEAD], rows);
  const { notices, noticesPerAgentDay: rate, hijackAuc } = total;
  terminal.say(`${count(notices)} notices${rate === null ? '' : `, ${rate.toFixed(4)} per agent-day`}`);
  if (hijackAuc !== null) terminal.say(`AUC of hijacked against resisted sessions: ${hijackAuc.toFixed(3)}`);
  terminal.say('');
}

function showKinds(terminal: Terminal, { kinds }: TotalReport): void {
  const rows = Object.entries(kinds).map(([kind, report]) => kindRow(kind, report));
  if (rows.length === 0) return;
  terminal.table(['kind', 'found', '95 %', 'noticed', 'delay', 'events before', 'USD before'], rows);
  terminal.say('');
}

function kindRow(kind: string, report: KindReport): Cell[] {
  const { windows, found, foundInterval, noticed, delayS, eventsBefore, usdBefore } = report;
  return [
    kind,
    `${count(found)} of ${count(windows)}`,
    foundInterval === null ? NONE : `${intervalText(foundInterval, (x) => String(Math.round(x * 100)))} %`,
    count(noticed),
    quartilesText(delayS, (s) => spanText(s * 1000)),
    quartilesText(eventsBefore, count),
    quartilesText(usdBefore, (usd) => usd.toFixed(2)),
  ];
}

function showHardNegatives(terminal: Terminal, { hardNegatives, outageAgentsPaged }: TotalReport): void {
  const rows = Object.entries(hardNegatives).map(([kind, { windows, paged }]): Cell[] => [
    kind,
    `${count(paged)} of ${count(windows)}`,
  ]);
  if (rows.length === 0) return;
  terminal.table(['must not be paged about', 'paged'], rows);
  if (outageAgentsPaged !== null) {
    terminal.say(`largest share of agents paged in one fleet-wide window: ${(outageAgentsPaged * 100).toFixed(1)} %`);
  }
  terminal.say('');
}

/** Times what was stated; in brackets its interval. */
function showCalibration(terminal: Terminal, calibration: CalibrationReport): void {
  const rows = Object.entries(calibration).map(([detector, { days, held, at }]): Cell[] => [
    detector,
    count(days),
    count(held),
    ...at.map(({ reached, ratio, ratioInterval }) => {
      return `${count(reached)}: ${ratio.toFixed(2)} x (${intervalText(ratioInterval, (x) => x.toFixed(1))})`;
    }),
  ]);
  const stated = NOMINALS.map((p) => `days at p ${p}, times stated`);
  terminal.table(['detector', 'clean agent-days', 'that held anything', ...stated], rows);
  terminal.say('');
}

function intervalText([low, high]: Interval, text: (x: number) => string): string {
  return `${text(low)} to ${text(high)}`;
}

/** The median, and the quartiles behind it where there is more than one value. */
function quartilesText(quartiles: Quartiles | null, text: (x: number) => string): string {
  if (quartiles === null) return NONE;
  const { lower, median, upper, max } = quartiles;
  return lower === max ? text(median) : `${text(median)} (${text(lower)} to ${text(upper)})`;
}
