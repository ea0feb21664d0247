/** Records in our own form: one event, or one a line. The sender's JSON stays as it is. */
import { decodeLine, rejection } from './decode.js';
import { isRejection } from './event.js';
import { parseJson, textOf } from './json-document.js';
import { createLineSplitter, type Line } from './lines.js';
import { LIMITS } from './schema.js';
import type { SourceContext, SourceEvent, SourceItem } from './source-item.js';

const LINE_FEED = 0x0a;

/** The events of a record; positions are line numbers from 0, blank lines counted and passed over. */
export function* nativeItems(value: Uint8Array, context: SourceContext): Generator<SourceItem> {
  const lines = linesOf(value);
  for (let position = 0; position < lines.length; position++) {
    const line = lines[position];
    if (typeof line === 'string' && line.trim() === '') continue;
    yield typeof line === 'string' ? nativeItem(line, position, context) : line;
  }
}

function nativeItem(text: string, position: number, context: SourceContext): SourceItem {
  const event = decodeLine(text, position, context.prices);
  if (isRejection(event)) return event;
  const line = text.includes('\r') ? text.replaceAll('\r', ' ') : text;
  return withTenant({ line, event, position }, context.tenant);
}

/** The tenant goes last into the sender's JSON, because of a repeated member the last counts. */
function withTenant(item: SourceEvent, tenant: string): SourceItem {
  if (tenant === '' || item.event.tenant !== '') return item;
  const { line, event, position } = item;
  const named = `${line.slice(0, line.lastIndexOf('}'))},"tenant":${JSON.stringify(tenant)}}`;
  if (named.length > LIMITS.lineBytes) {
    return rejection('event.too-long', `line with its tenant is longer than ${LIMITS.lineBytes} bytes`, position);
  }
  return { line: named, event: { ...event, tenant }, position };
}

/** One object over several lines is one line: its line breaks stand between tokens only. */
function linesOf(value: Uint8Array): Line[] {
  if (value.includes(LINE_FEED)) {
    const text = textOf(value);
    if (text !== null && parseJson(text) !== undefined) return [text.replaceAll(/[\r\n]/g, ' ')];
  }
  const splitter = createLineSplitter();
  return [...splitter.push(value), ...splitter.end()];
}
