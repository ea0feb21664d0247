/** `killdeer decode`: what becomes of a sample of a source's records, item by item, before a source is configured. */
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import { parseJson, textOf } from '../event/json-document.js';
import { decodeSource, guessFormat, SOURCE_FORMATS, type SourceFormat } from '../event/source-format.js';
import { isSkip, isSourceEvent, type SourceContext, type SourceItem, type SourceRecord } from '../event/source-item.js';
import { createSpanMemory } from '../event/span-memory.js';
import { plainJson } from '../render/inert.js';
import { loadSetup } from './setup.js';
import { type Cell, count, type Terminal } from './terminal.js';
import { several, type VerbContext } from './verb.js';

interface Options {
  readonly format?: string;
  readonly contentType?: string;
  readonly header?: string[];
  readonly tenant: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** A sample is held in memory; more than this is no sample, packed or not. */
const SAMPLE_BYTES_MAX = 64 * 1024 * 1024;
/** Rows shown on a terminal; --json prints them all. */
const ROWS_MAX = 200;

const gunzipAsync = promisify(gunzip);

export function addDecode(program: Command, context: VerbContext): void {
  program
    .command('decode')
    .description("what becomes of a sample of a source's records, item by item (docs/events.md)")
    .argument('<file>', "the sample, compressed by gzip or not; '-' for standard input")
    .option('--format <format>', `${SOURCE_FORMATS.join(', ')}; left out: guessed`)
    .option('--content-type <type>', 'of the record or the call')
    .option('--header <name=value>', 'of the record or the call, as ce_id=17', several)
    .option('--tenant <tenant>', 'of events that name none', '')
    .option('--config <file>', 'configuration, for its prices')
    .option('--json', 'JSON Lines, on a terminal too')
    .action((file: string, options: Options) => decode(context, file, options));
}

async function decode(context: VerbContext, file: string, options: Options): Promise<void> {
  const named = formatNamed(options.format);
  const headers = headersOf(options.header ?? []);
  const { prices } = loadSetup(options);
  const value = await readSample(file);
  const { contentType } = options;
  const record = { value, headers, ...(contentType === undefined ? {} : { contentType }) };
  const format = named ?? guessFormat(record);
  const seen = { events: 0, rejected: 0, skipped: 0, rejections: {} as Record<string, number> };
  const output =
    options.json === true || !context.terminal.rich ? jsonOutput(context.terminal) : tableOutput(context.terminal);
  output.begin(format, named === null);
  const decoding = { tenant: options.tenant, prices, spans: createSpanMemory() };
  for (const { number, item } of itemsOf(format, record, decoding)) {
    if (isSourceEvent(item)) seen.events++;
    else if (isSkip(item)) seen.skipped++;
    else {
      seen.rejected++;
      seen.rejections[item.code] = (seen.rejections[item.code] ?? 0) + 1;
    }
    output.item(number, item);
  }
  output.end({ format, guessed: named === null, ...seen });
  if (seen.rejected > 0) context.failed();
}

function formatNamed(format: string | undefined): SourceFormat | null {
  if (format === undefined) return null;
  const known = SOURCE_FORMATS.find((one) => one === format);
  if (known !== undefined) return known;
  throw new KilldeerError('usage', `--format ${format}: none of ${SOURCE_FORMATS.join(', ')}`);
}

function headersOf(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word): [string, string] => {
    const sign = word.indexOf('=');
    if (sign < 1) throw new KilldeerError('usage', `--header ${word}: not NAME=VALUE`);
    return [word.slice(0, sign).toLowerCase(), word.slice(sign + 1)];
  });
  return Object.fromEntries(pairs);
}

interface Numbered {
  /** Record of the sample, from 1: a line where each line is a record, else 1. */
  readonly number: number;
  readonly item: SourceItem;
}

function* itemsOf(format: SourceFormat, whole: SourceRecord, context: SourceContext): Generator<Numbered> {
  for (const { number, value } of recordsOf(format, whole.value as Uint8Array)) {
    for (const item of decodeSource(format, { ...whole, value }, context)) yield { number, item };
  }
}

/**
 * The records of a sample: the lines, as a consumer of a topic writes them down, unless the sample is one document. A
 * line's bytes are handed on as they are, so that what is no UTF-8 is refused as it would be.
 */
function* recordsOf(format: SourceFormat, sample: Uint8Array): Generator<{ number: number; value: Uint8Array }> {
  if (format === 'otlp_proto' || isOneDocument(sample)) {
    yield { number: 1, value: sample };
    return;
  }
  let number = 0;
  for (let start = 0; start < sample.byteLength; ) {
    const feed = sample.indexOf(0x0a, start);
    const end = feed < 0 ? sample.byteLength : feed;
    const value = sample.subarray(start, end);
    number++;
    start = end + 1;
    if (!isBlank(value)) yield { number, value };
  }
}

/** Whether the sample is one document over several lines, or begins as one: one mistake is then one rejection. */
function isOneDocument(sample: Uint8Array): boolean {
  const text = textOf(sample);
  if (text === null) return false;
  return parseJson(text) !== undefined || /^\s*[[{]\s*\n/.test(text);
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

async function readSample(file: string): Promise<Uint8Array> {
  const bytes = await readAll(file);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await gunzipAsync(bytes, { maxOutputLength: SAMPLE_BYTES_MAX });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('recording.unreadable', `${file}: it cannot be unpacked: ${reason}`, error);
  }
}

async function readAll(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > SAMPLE_BYTES_MAX) break;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('recording.unreadable', `${file}: ${reason}`, error);
  }
  if (bytes <= SAMPLE_BYTES_MAX) return Buffer.concat(chunks);
  throw new KilldeerError(
    'recording.unreadable',
    `${file}: longer than ${SAMPLE_BYTES_MAX} bytes: take a sample of it`,
  );
}

interface Summary {
  readonly format: SourceFormat;
  readonly guessed: boolean;
  readonly events: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly rejections: Readonly<Record<string, number>>;
}

interface Output {
  begin(format: SourceFormat, guessed: boolean): void;
  item(record: number, item: SourceItem): void;
  end(summary: Summary): void;
}

function jsonOutput(terminal: Terminal): Output {
  const line = (value: unknown) => terminal.print(`${plainJson(value)}\n`);
  return {
    begin: () => {},
    item: (record, item) => {
      const place = { record, item: item.position + 1 };
      if (isSourceEvent(item)) line({ type: 'event', ...place, event: membersOf(item.event) });
      else if (isSkip(item)) line({ type: 'skipped', ...place, reason: item.reason });
      else line({ type: 'rejected', ...place, code: item.code, reason: item.reason });
    },
    end: (summary) => line({ type: 'summary', ...summary }),
  };
}

function tableOutput(terminal: Terminal): Output {
  const { paint } = terminal;
  const rows: Cell[][] = [];
  let more = 0;
  return {
    begin: (format, guessed) =>
      terminal.say(guessed ? `taken for ${paint.bold(format)} (--format says otherwise)` : format),
    item: (record, item) => {
      const place = `${record}.${item.position + 1}`;
      if (rows.length >= ROWS_MAX) more++;
      else if (isSourceEvent(item)) rows.push([place, paint.green('event'), eventText(item.event)]);
      else if (isSkip(item)) rows.push([place, paint.dim('skipped'), item.reason]);
      else rows.push([place, paint.red('rejected'), `${item.code}: ${item.reason}`]);
    },
    end: ({ events, rejected, skipped }) => {
      if (rows.length > 0) terminal.table(['record', '', ''], rows);
      if (more > 0) terminal.say(`and ${count(more)} more (--json)`);
      terminal.say(`${count(events)} events, ${count(rejected)} rejected, ${count(skipped)} skipped`);
    },
  };
}

/** One line of members with their values, those that say nothing left out. */
function eventText(event: AgentEvent): string {
  return Object.entries(membersOf(event))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

/** The event by the names of the wire, priced as the engine will see it, without what says nothing. */
function membersOf({ timeMs, ...event }: AgentEvent): Record<string, unknown> {
  const { id, ...rest } = event;
  const members: Record<string, unknown> = { id, time: new Date(timeMs).toISOString() };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== '') members[name.replace(/[A-Z]/g, (sign) => `_${sign.toLowerCase()}`)] = value;
  }
  return members;
}
