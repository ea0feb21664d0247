/** Golden cases of every format: inputs as JSON in test/event/golden/, what becomes of them beside. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRejection } from '../../src/event/event.js';
import { decodeSource, guessFormat, SOURCE_FORMATS, type SourceFormat } from '../../src/event/source-format.js';
import {
  isSkip,
  isSourceEvent,
  RECORD_BYTES_MAX,
  RECORD_ITEMS_MAX,
  type SourceItem,
  type SourceRecord,
} from '../../src/event/source-item.js';
import { decodeRecord, encodeEvent } from '../../src/pipeline/record-line.js';
import { protoOf } from './otlp-messages.js';
import { NO_PRICES, wire } from './wire.js';

interface Case {
  readonly about: string;
  readonly format: SourceFormat;
  readonly tenant?: string;
  readonly headers?: Record<string, string>;
  readonly contentType?: string;
  /** Of the record, as JSON, or as lines of text. */
  readonly value?: unknown;
  readonly text?: readonly string[];
}

const GOLDEN = new URL('golden/', import.meta.url);
const names = readdirSync(GOLDEN)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -5));
const cases = new Map(
  names.map((name) => [name, JSON.parse(readFileSync(new URL(`${name}.json`, GOLDEN), 'utf8')) as Case]),
);
const encoder = new TextEncoder();

function recordOf({ headers = {}, contentType, value, text }: Case): SourceRecord {
  const bytes = encoder.encode(text === undefined ? JSON.stringify(value) : text.join('\n'));
  return { value: bytes, headers, ...(contentType === undefined ? {} : { contentType }) };
}

function decode(format: SourceFormat, value: Uint8Array | string, headers: Record<string, string> = {}, tenant = '') {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  return decodeSource(format, { value: bytes, headers }, { tenant, prices: NO_PRICES });
}

/** What stands in the golden file: the wire line, or why there is none. */
function shown(item: SourceItem): string {
  if (isSourceEvent(item)) return item.line;
  return JSON.stringify(isSkip(item) ? { skipped: item.reason } : { rejected: item.code, reason: item.reason });
}

describe('golden cases', () => {
  it('are there for every format', () => {
    const formats = new Set([...cases.values()].map(({ format }) => format));
    expect([...formats].sort()).toEqual(SOURCE_FORMATS.filter((format) => format !== 'otlp_proto').sort());
  });

  // After a change that is meant: npx vitest run test/event/source-format.test.ts -u
  it.each(names)('%s', async (name) => {
    const golden = cases.get(name) as Case;
    const items = decodeSource(golden.format, recordOf(golden), { tenant: golden.tenant ?? '', prices: NO_PRICES });
    const text = items.map((item) => `${shown(item)}\n`).join('');
    await expect(text).toMatchFileSnapshot(`golden/${name}.expected.jsonl`);
  });

  it.each(names)('%s: lines read back as the same events, and positions only rise', (name) => {
    const golden = cases.get(name) as Case;
    const items = decodeSource(golden.format, recordOf(golden), { tenant: golden.tenant ?? '', prices: NO_PRICES });
    let last = -1;
    for (const item of items) {
      expect(item.position).toBeGreaterThan(last);
      last = item.position;
      if (!isSourceEvent(item)) continue;
      expect(item.line).not.toMatch(/[\r\n]/);
      const read = decodeRecord(encodeEvent(item.line, true), 0, NO_PRICES);
      expect(read).toEqual({ type: 'event', event: item.event, bound: true });
    }
  });

  it.each(names)('%s: its format is guessed where it can be', (name) => {
    const golden = cases.get(name) as Case;
    const isVague = /not-json|frame|empty|native|avro|malformed|wrong/.test(name) && !name.startsWith('otlp-malformed');
    if (isVague) expect(SOURCE_FORMATS).toContain(guessFormat(recordOf(golden)));
    else expect(guessFormat(recordOf(golden))).toBe(golden.format);
  });
});

describe('OTLP in protobuf', () => {
  const spans = names.filter((name) => name.startsWith('otlp-') && !/malformed|lines|frame|empty/.test(name));

  it.each(spans)('%s: gives what JSON gives', (name) => {
    const golden = cases.get(name) as Case;
    const bytes = protoOf(golden.value as object);
    const context = { tenant: golden.tenant ?? '', prices: NO_PRICES };
    const fromProto = decodeSource('otlp_proto', { value: bytes, headers: {} }, context);
    expect(fromProto.map(shown)).toEqual(decodeSource('otlp_json', recordOf(golden), context).map(shown));
    expect(guessFormat({ value: bytes, headers: {} })).toBe('otlp_proto');
    // A Buffer takes another way through the reader.
    expect(decodeSource('otlp_proto', { value: Buffer.from(bytes), headers: {} }, context)).toEqual(fromProto);
  });

  it('refuses a request that is cut anywhere, and never mends it', () => {
    const bytes = protoOf((cases.get('otlp-status') as Case).value as object);
    for (let end = 1; end < bytes.length; end += 7) {
      expect(decode('otlp_proto', bytes.subarray(0, end)), `cut at ${end}`).toMatchObject([
        { rejected: true, code: 'source.undecodable', position: 0 },
      ]);
    }
  });

  it('refuses ids of other lengths, text that is no UTF-8, other messages and plain text', () => {
    const span = (changes: object) =>
      protoOf({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'ab', spanId: 'cd', ...changes }] }] }] });
    expect(decode('otlp_proto', span({}))).toMatchObject([{ reason: expect.stringContaining('trace_id must be 16') }]);
    const long = span({ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(500) });
    expect(decode('otlp_proto', long)).toMatchObject([{ reason: expect.stringContaining('span_id must be 8 bytes') }]);
    const bytes = span({ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'zzzz' });
    bytes.set([0xff, 0xfe], Buffer.from(bytes).indexOf('zzzz'));
    expect(decode('otlp_proto', bytes)).toMatchObject([{ code: 'source.undecodable' }]);
    expect(decode('otlp_proto', Uint8Array.of(0x12, 0x00))).toMatchObject([{ code: 'source.undecodable' }]);
    expect(decode('otlp_proto', wire())).toMatchObject([{ code: 'source.undecodable' }]);
    expect(decode('otlp_proto', '')).toEqual([]);
  });

  it('reads a resource that stands behind its spans, and a value before its key', () => {
    const golden = (cases.get('otlp-operations') as Case).value as { resourceSpans: object[] };
    const [group] = golden.resourceSpans as { resource: object; scopeSpans: object[] }[];
    const context = { tenant: '', prices: NO_PRICES };
    const behind = Buffer.concat([
      protoOf({ resourceSpans: [{ scopeSpans: group.scopeSpans }] }, { bare: true }),
      protoOf({ resourceSpans: [{ resource: group.resource }] }, { bare: true }),
    ]);
    const request = Buffer.concat([Uint8Array.of(0x0a), varint(behind.length), behind]);
    const items = decodeSource('otlp_proto', { value: request, headers: {} }, context);
    expect(items.map(shown)).toEqual(
      decodeSource('otlp_proto', { value: protoOf(golden), headers: {} }, context).map(shown),
    );
  });
});

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
}

describe('any source', () => {
  it('passes over a record without a value and refuses one that is too long', () => {
    for (const format of SOURCE_FORMATS) {
      const context = { tenant: '', prices: NO_PRICES };
      expect(decodeSource(format, { value: null, headers: {} }, context)).toMatchObject([{ skipped: true }]);
      const long = decodeSource(format, { value: new Uint8Array(RECORD_BYTES_MAX + 1), headers: {} }, context);
      expect(long).toMatchObject([{ code: 'event.too-long', position: 0 }]);
    }
  });

  it('refuses a record with too many items as a whole', () => {
    const many = RECORD_ITEMS_MAX + 1;
    const list = `[${'{},'.repeat(many - 1)}{}]`;
    const spans = `{"resourceSpans":[{"scopeSpans":[{"spans":${list}}]}]}`;
    expect(decode('otlp_json', spans)).toMatchObject([{ code: 'source.undecodable' }]);
    expect(decode('cloudevents', list)).toMatchObject([{ code: 'source.undecodable' }]);
    expect(decode('cloudtrail', `{"Records":${list}}`)).toMatchObject([{ code: 'source.undecodable' }]);
    const proto = protoOf({ resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: many }, () => ({})) }] }] });
    expect(decode('otlp_proto', proto)).toMatchObject([{ code: 'source.undecodable' }]);
  });

  it('survives nesting deeper than a stack', () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    const data = wire().replace(/}$/, `,"note":${deep}}`);
    const event = `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${data}}`;
    expect(decode('cloudevents', event)).toMatchObject([{ code: 'event.too-long' }]);
    const attribute = `{"key":"gen_ai.agent.id","value":${'{"arrayValue":{"values":['.repeat(50_000)}${']}}'.repeat(50_000)}}`;
    const spans = `{"resourceSpans":[{"resource":{"attributes":[${attribute}]}}]}`;
    expect(decode('otlp_json', spans)).toMatchObject([{ code: 'source.undecodable' }]);
  });

  it('keeps a tenant that a source gives within the limit of a line', () => {
    const room = 262_144 - wire({ note: '' }).length;
    expect(decode('native', wire({ note: 'x'.repeat(room) }), {}, 'acme')).toMatchObject([{ code: 'event.too-long' }]);
    expect(decode('native', wire({ note: 'x'.repeat(room - 20) }), {}, 'acme')).toMatchObject([
      { event: { tenant: 'acme' } },
    ]);
  });

  it('never throws, whatever the bytes', () => {
    const samples = [...cases.values()].map((golden) => recordOf(golden).value as Uint8Array);
    const damaged = fc
      .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([sample, changes, cut]) => {
        const bytes = Uint8Array.from(sample.subarray(0, cut % 3 === 0 ? cut % (sample.length + 1) : sample.length));
        if (bytes.length > 0) for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      });
    const proto = protoOf((cases.get('otlp-operations') as Case).value as object);
    const damagedProto = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const bytes = Uint8Array.from(proto);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
    const json = fc.json().map((text) => encoder.encode(text));
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged, damagedProto, json);
    const headers = fc.dictionary(fc.constantFrom('ce_id', 'ce-specversion', 'ce-source', 'content-type'), fc.string());
    fc.assert(
      fc.property(fc.constantFrom(...SOURCE_FORMATS), bytes, headers, (format, value, headers) => {
        const record = { value, headers };
        for (const item of decodeSource(format, record, { tenant: 'acme', prices: NO_PRICES })) {
          if (isSourceEvent(item)) expect(item.event.tenant).not.toBe('');
          else expect(item.reason.length).toBeGreaterThan(0);
          if (!isSourceEvent(item) && !isSkip(item)) expect(isRejection(item)).toBe(true);
        }
        expect(SOURCE_FORMATS).toContain(guessFormat(record));
      }),
      { numRuns: 3000, seed: 11 },
    );
  });
});
