/** Rows for people as a table, for programs as JSON Lines. */
import { cpus } from 'node:os';
import Table from 'cli-table3';

const HEAD = ['bench', 'measure', 'unit', 'ours', '±', 'beside', 'reference', '±', 'ratio', '±', 'target'];

/** One JSON line a row: what was measured, beside what, on what. */
export function jsonLine(row) {
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, cpus: cpus().length };
  return JSON.stringify({ ...row, ...machine });
}

export function table(rows) {
  const lines = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const { bench, measure, unit, ours, against, reference, ratio, target } of rows) {
    lines.push([
      ...[bench, measure, unit, number(ours.value), percent(ours.spread)],
      ...[against, number(reference.value), percent(reference.spread)],
      ...[ratio.value === null ? '' : ratio.value.toPrecision(3), percent(ratio.spread), target ?? ''],
    ]);
  }
  return lines.toString();
}

/** Four digits and the thousands apart: more would be noise. Empty where there is none: a figure without a bar. */
function number(value) {
  if (value === null) return '';
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** Spread of the runs: largest minus smallest over the median; none where there was one run. */
function percent(spread) {
  return spread === null ? '' : `${Math.round(spread * 100)} %`;
}
