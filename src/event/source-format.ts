/**
 * The formats that sources speak, and the one way from any of them to events: decodeSource. Pure; whatever the bytes
 * are, it answers with items and never throws.
 */
import { cloudEventItems } from './cloud-event.js';
import { cloudTrailItems } from './cloud-trail.js';
import { rejection } from './decode.js';
import { parseJson, textOf } from './json-document.js';
import { nativeItems } from './native-lines.js';
import { spanItems } from './otlp.js';
import { readJsonSpans } from './otlp-json.js';
import { readProtoSpans } from './otlp-proto.js';
import {
  isObject,
  RECORD_BYTES_MAX,
  type SourceContext,
  type SourceItem,
  type SourceRecord,
  skip,
} from './source-item.js';

/** What the records of a source are (docs/events.md). */
export const SOURCE_FORMATS = ['native', 'cloudevents', 'otlp_json', 'otlp_proto', 'cloudtrail'] as const;

/** One of SOURCE_FORMATS. */
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

/** Everything in a record, in order. A record that cannot be read at all is one rejection at position 0. */
export function decodeSource(format: SourceFormat, record: SourceRecord, context: SourceContext): SourceItem[] {
  return [...sourceItems(format, record, context)];
}

/** decodeSource one item at a time: for callers that let others have their turn in between. */
export function* sourceItems(
  format: SourceFormat,
  record: SourceRecord,
  context: SourceContext,
): Generator<SourceItem, void, undefined> {
  const { value } = record;
  if (value === null) {
    yield skip('the record has no value', 0);
    return;
  }
  if (value.byteLength > RECORD_BYTES_MAX) {
    yield rejection('event.too-long', `record is longer than ${RECORD_BYTES_MAX} bytes`, 0);
    return;
  }
  yield* DECODERS[format](value, record, context);
}

type Decoder = (value: Uint8Array, record: SourceRecord, context: SourceContext) => Iterable<SourceItem>;

const DECODERS: Readonly<Record<SourceFormat, Decoder>> = {
  native: (value, _record, context) => nativeItems(value, context),
  cloudevents: (value, record, context) => cloudEventItems(value, record, context),
  otlp_json: (value, _record, context) => spanItems(readJsonSpans(value), context),
  otlp_proto: (value, _record, context) => spanItems(readProtoSpans(value), context),
  cloudtrail: (value, _record, context) => cloudTrailItems(value, context),
};

/** The format that a record most likely has, by its content type and headers, else by its first document. */
export function guessFormat({ value, headers, contentType }: SourceRecord): SourceFormat {
  const type = contentType ?? headers['content-type'] ?? '';
  if (type.startsWith('application/cloudevents')) return 'cloudevents';
  if (/^application\/(x-)?protobuf/.test(type)) return 'otlp_proto';
  if (Object.keys(headers).some((name) => /^ce[_-]/i.test(name))) return 'cloudevents';
  const text = value === null ? '' : textOf(value);
  if (text === null || !/^\s*[[{]/.test(text)) return isProto(value) ? 'otlp_proto' : 'native';
  const document = parseJson(text) ?? parseJson(text.trimStart().split('\n', 1)[0]);
  return formatOf(Array.isArray(document) ? document[0] : document);
}

function isProto(value: Uint8Array | null): boolean {
  return value !== null && !('rejected' in (readProtoSpans(value)[0] ?? { rejected: true }));
}

function formatOf(value: unknown): SourceFormat {
  if (!isObject(value)) return 'native';
  if ('resourceSpans' in value) return 'otlp_json';
  if ('specversion' in value) return 'cloudevents';
  if ('Records' in value || ('eventSource' in value && 'eventName' in value)) return 'cloudtrail';
  return 'native';
}
