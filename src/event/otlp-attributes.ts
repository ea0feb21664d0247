/** Reading a span's attributes: the first of several names that says something, and what is wrong with a value. */
import {
  type Attributes,
  type AttributeValue,
  OWN,
  OWN_NUMBERS,
  OWN_TEXTS,
  type Span,
  STATUS_ERROR,
} from './otlp-span.js';
import { LIMITS } from './schema.js';
import { cutText } from './source-item.js';
import { printable } from './text.js';

/** Values by the first name that has one; the first value of a wrong kind is the problem. */
export interface AttributeReader {
  /** Text, or a number or boolean as text; undefined where none of the names has a value. */
  text(...names: readonly string[]): string | undefined;
  number(...names: readonly string[]): number | undefined;
  /** As text(), of the resource. */
  resourceText(...names: readonly string[]): string | undefined;
  /** Names the attribute and its value; null where all that was read is as it must be. */
  problem(): string | null;
}

const NONE: Attributes = new Map();
const NS_PER_MS = 1_000_000n;
/** Later no Date has an ISO form of four-digit years. */
const TIME_MAX_NS = 253_402_300_800_000_000_000n;
const DENIED_CODES: readonly (string | undefined)[] = ['401', '403', '407'];
const DENIED_TYPE = /denied|forbidden|unauthori[sz]ed|permission/i;
/** Said by whoever limits the rate of its callers (RFC 6585, section 4). */
const TOO_MANY = '429';
/** From here on an answer of HTTP is a failure. */
const FAILED_CODE_MIN = 400;
/** Scheme and host of an absolute URL, user and password passed over. */
const ABSOLUTE_URL = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#@]*@)?([^/?#]*)([^?#]*)/i;

/** Reads a span's attributes and those of its resource. */
export function createAttributeReader(attributes: Attributes, resource: Attributes = NONE): AttributeReader {
  let problem: string | null = null;

  function textFrom(from: Attributes, names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = from.get(name);
      if (value === undefined || value === null || value === '') continue;
      if (typeof value !== 'object') return String(value);
      problem ??= wrong(name, 'text', value);
      return undefined;
    }
    return undefined;
  }

  return {
    text: (...names) => textFrom(attributes, names),
    resourceText: (...names) => textFrom(resource, names),
    number(...names) {
      for (const name of names) {
        const value = attributes.get(name);
        if (value === undefined || value === null) continue;
        if (typeof value === 'number') return value;
        problem ??= wrong(name, 'a number', value);
        return undefined;
      }
      return undefined;
    },
    problem: () => problem,
  };
}

function wrong(name: string, wanted: string, value: AttributeValue): string {
  return `${name} must be ${wanted}, got ${printable(value)}`;
}

/** Members that a sender gives as `killdeer.NAME`, because the conventions have no attribute for them. */
export function ownMembers(read: AttributeReader): Record<string, string | number> {
  const members: Record<string, string | number> = {};
  for (const name of OWN_TEXTS) {
    const value = read.text(OWN + name) ?? read.resourceText(OWN + name);
    if (value !== undefined) members[name] = value;
  }
  for (const name of OWN_NUMBERS) {
    const value = read.number(OWN + name);
    if (value !== undefined) members[name] = value;
  }
  return members;
}

/** When the span ended, or began where no end is told; undefined beyond the year 9999. */
export function timeOf({ startNs, endNs }: Span): string | undefined {
  const ns = endNs > 0n ? endNs : startNs;
  return ns < TIME_MAX_NS ? new Date(Number(ns / NS_PER_MS)).toISOString() : undefined;
}

/** ms, with the fraction that the clock gives; undefined where a clock was set back meanwhile. */
export function latencyOf({ startNs, endNs }: Span): number | undefined {
  return startNs > 0n && endNs >= startNs ? Number(endNs - startNs) / Number(NS_PER_MS) : undefined;
}

/** Unset is ok: who instruments a call sets the status only where it failed. */
export function statusOf({ status }: Span, read: AttributeReader): 'ok' | 'error' | 'denied' {
  const type = read.text('error.type');
  const code = read.text('http.response.status_code', 'http.status_code');
  if (DENIED_CODES.includes(code) || DENIED_CODES.includes(type) || (type !== undefined && DENIED_TYPE.test(type))) {
    return 'denied';
  }
  return type !== undefined || status === STATUS_ERROR || code === TOO_MANY ? 'error' : 'ok';
}

/** Type of a failure: a 429 before all, because instrumentations differ in what else they call it; undefined where none is told. */
export function errorTypeOf(read: AttributeReader): string | undefined {
  const code = read.text('http.response.status_code', 'http.status_code');
  if (code === TOO_MANY) return code;
  const type = read.text('error.type') ?? (Number(code) >= FAILED_CODE_MIN ? code : undefined);
  return type === undefined ? undefined : cutText(type, LIMITS.name);
}

/** Where an HTTP call went: its host, and its URL without query and credentials, which may hold secrets. */
export function httpPlace(read: AttributeReader): { host: string | undefined; address: string | undefined } {
  const [, scheme = '', host = '', path = ''] = ABSOLUTE_URL.exec(read.text('url.full', 'http.url') ?? '') ?? [];
  if (host === '') return { host: undefined, address: undefined };
  return { host, address: scheme + host + path };
}
