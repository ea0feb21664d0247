/**
 * Room verbs/: what a person types, one file a verb. It wires the rooms together on behalf of main.ts, prints, and
 * decides nothing; nobody but main.ts may import it.
 *
 * This file: how verbs speak. On a terminal tables, colour and progress; anywhere else values as JSON Lines on stdout
 * and sentences on stderr, so that a pipe carries values alone. Nothing that is said acts on who reads it (paint.ts).
 */
import type { Writable } from 'node:stream';
import { MultiBar, Presets } from 'cli-progress';
import Table from 'cli-table3';
import pc from 'picocolors';
import { SEVERITIES, type Severity } from '../decide/finding.js';
import { plainJson } from '../render/inert.js';
import { createPalette, type Paint } from './paint.js';

export type { Paint };

/** How far something is; `done` and `total` in any one unit. */
export interface Progress {
  update(done: number, words: string): void;
  /** Takes the bar away. */
  stop(): void;
}

export interface Terminal {
  /** Whether a person is looking at stdout. */
  readonly rich: boolean;
  readonly paint: Paint;
  /** A sentence: to stdout on a terminal, else to stderr. */
  say(text: string): void;
  /** Ready text, such as help or a file: to stdout, always, and where nobody looks to the byte. */
  print(text: string): void;
  /** What went wrong: to stderr, always. */
  complain(text: string): void;
  /** A value: one line of JSON on stdout, only where nobody looks. */
  emit(value: unknown): void;
  /** Lines of at most the terminal's width less `indent`, broken between words; one line where nobody looks. */
  wrap(text: string, indent: number): string[];
  /** Rows under a head (or none, where it is empty) on a terminal; the caller emits the values. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[], right?: readonly number[]): void;
  /** A bar on a terminal, else nothing. Lines said meanwhile stand above it. One at a time. */
  progress(total: number): Progress;
}

/** A list: lines of one cell, as `wrap` gives them. */
export type Cell = string | number | null | readonly string[];

/** What a Terminal writes to; process.stdout and process.stderr but in tests. */
export interface TerminalStreams {
  readonly out: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly err: Writable;
  /** Left out: as the environment says. */
  readonly isColoured?: boolean;
}

const SILENT: Progress = { update: () => {}, stop: () => {} };
const NO_BORDERS = {
  ...{ 'top': '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ 'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ 'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '', 'right': '', 'right-mid': '', 'middle': '  ' },
};

export function createTerminal(streams: TerminalStreams = { out: process.stdout, err: process.stderr }): Terminal {
  const { out, err, isColoured = pc.isColorSupported } = streams;
  const rich = out.isTTY === true;
  const { paint, shown, part } = createPalette(rich && isColoured);
  let bars: MultiBar | null = null;

  /** Text that has passed the door. */
  const tell = (text: string): void => {
    if (bars === null) (rich ? out : err).write(`${text}\n`);
    else {
      bars.log(`${text}\n`);
      bars.update();
    }
  };
  return {
    rich,
    paint,
    say: (words) => tell(shown(words)),
    print: (text) => {
      out.write(rich ? shown(text) : text);
    },
    complain: (text) => {
      err.write(shown(text));
    },
    emit: (value) => {
      if (!rich) out.write(`${plainJson(value)}\n`);
    },
    wrap: (text, indent) => (rich ? wrapWords(text, Math.max(20, (out.columns ?? 80) - indent - 1)) : [text]),
    table: (head, rows, right = []) => {
      if (!rich) return;
      const lines = rows.map((row) => row.map((cell) => cellText(cell, part)));
      // Laid out as shown: whoever lays it out mends colours that a line leaves open, and knows plain ones alone.
      const words = head.map((word) => part(paint.dim(word)));
      tell(layTable(words, lines, right));
    },
    progress: (total) => {
      if (!rich) return SILENT;
      const shown = new MultiBar(
        {
          format: ' {bar} {percentage} %  {words}',
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false,
          linewrap: true,
          stream: out as NodeJS.WritableStream,
        },
        Presets.shades_classic,
      );
      const bar = shown.create(total, 0, { words: '' });
      bars = shown;
      return {
        update: (done, words) => {
          bar.update(Math.min(done, total), { words });
          shown.update();
        },
        stop: () => {
          if (bars === null) return;
          bars = null;
          shown.stop();
        },
      };
    },
  };
}

function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** What nobody wrapped stays on one line, whoever wrote it. */
function cellText(cell: Cell, part: (text: string) => string): string {
  if (cell === null) return '';
  return typeof cell === 'object' ? cell.map(part).join('\n') : part(String(cell));
}

function layTable(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string {
  const table = new Table({
    head: [...head],
    chars: NO_BORDERS,
    colAligns: (rows[0] ?? head).map((_, i) => (right.includes(i) ? 'right' : 'left')),
    style: { 'padding-left': 0, 'padding-right': 0, 'head': [], 'border': [] },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A severity in its colour. */
export function severityText(paint: Paint, severity: Severity, width = 0): string {
  const colours: Record<Severity, (text: string) => string> = {
    info: paint.dim,
    low: paint.cyan,
    medium: paint.yellow,
    high: paint.red,
    critical: (text) => paint.bold(paint.red(text)),
  };
  return colours[severity](severity.padEnd(width));
}

/** Of the longest severity: what follows it then stands in a column. */
export const SEVERITY_WIDTH = Math.max(...SEVERITIES.map((severity) => severity.length));

/** Thousands apart: 1,234,567. */
export function count(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

/** A length of time as a person says it: 90 s, 30 min, 1 h, 2 d 3 h. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.round(ms / 1000);
  if (s < 120) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** Bytes as a person says them: 512 B, 4.1 kB, 12 MB. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [unit, name] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  const n = bytes / (unit as number);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${name}`;
}
