/**
 * What gateways say of a call in headers, and are told in headers: the part that the contracts of Envoy, nginx and MCP
 * have in common. Values are percent-encoded UTF-8, as in a path, because a header carries no other letters.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { KilldeerError } from '../errors.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import type { Question } from '../registry/registry.js';
import type { Bindings, Identity } from './contract.js';
import type { Answer, Asked } from './decision.js';

const AGENT = 'x-killdeer-agent';
/** A host with or without a port, and nothing beside it. */
const HOST = /^[^\s/\\?#@]+$/;
/** Of a reason in a header. */
const REASON_MAX = 300;

/** What a contract knows of the call by itself; headers win over none of it. */
export type Seen = Pick<Question, 'operation' | 'endpoint' | 'target'> & { readonly session?: string | null };

/**
 * Whom a call is about and what is said of it. The agent is the header's, else the one that the token is bound to.
 * Throws 'api.forbidden' where nobody is named, 'api.invalid' where a header cannot be read.
 */
export function askedByHeaders(headers: IncomingHttpHeaders, identity: Identity, seen: Seen, named?: string): Asked {
  const agent = textOf(headers, AGENT, LIMITS.name) ?? named ?? soleAgent(identity.bindings);
  if (agent === null) {
    throw new KilldeerError('api.forbidden', `the call names no agent: ${AGENT} is missing, and the token is of many`);
  }
  if (agent === '' || !isNameText(agent)) throw new KilldeerError('api.invalid', `${AGENT} is no name of an agent`);
  const read = (name: string, max: number = LIMITS.name) => textOf(headers, `x-killdeer-${name}`, max);
  return {
    tenant: read('tenant') ?? soleTenant(identity.bindings),
    agent,
    question: {
      operation: seen.operation ?? null,
      endpoint: seen.endpoint ?? null,
      target: read('target', LIMITS.target) ?? seen.target ?? null,
      session: read('session') ?? seen.session ?? null,
      dataClass: read('data-class'),
      parent: read('parent'),
      approval: read('approval'),
    },
    estimateUsd: amountOf(headers, 'x-killdeer-estimate-usd'),
  };
}

/** Host and path as one endpoint, without the query: that one may hold secrets, and never says what is called. */
export function endpointOf(host: string | undefined, target: string): string {
  const path = target.startsWith('/') ? target : `/${target}`;
  // Resolves '..' in every spelling: what is judged must be what is called.
  const address = `http://${host}${path}`;
  if (!HOST.test(host ?? '') || !URL.canParse(address)) {
    throw new KilldeerError('api.forbidden', 'host and path of the call make no address');
  }
  const url = new URL(address);
  return `${url.host}${url.pathname}`.slice(0, LIMITS.name);
}

/** Headers of an answer that say what was decided. */
export function headersOf(answer: Answer): OutgoingHttpHeaders {
  const { status, denial, reason, retryAfterMs, grant } = answer;
  return {
    'x-killdeer-status': status,
    ...(denial === null ? {} : { 'x-killdeer-denial': denial, 'x-killdeer-reason': plain(reason) }),
    ...(retryAfterMs === null ? {} : { 'x-killdeer-retry-after': seconds(retryAfterMs) }),
    ...(grant === null ? {} : { 'x-killdeer-remaining-usd': grant.remainingUsd }),
    ...(grant === null || grant.id === null ? {} : { 'x-killdeer-reservation': grant.id }),
  };
}

/** Whole seconds, at least one: what Retry-After can say. */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

/** The text with everything replaced that a header cannot carry, or that would end a text of JSON made of it. */
export function plain(text: string): string {
  return text
    .slice(0, REASON_MAX)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, "'");
}

/** null where the header is not there, or says nothing. */
function textOf(headers: IncomingHttpHeaders, name: string, max: number): string | null {
  const given = headers[name];
  if (given === undefined || given === '') return null;
  let text: string | null = null;
  if (typeof given === 'string' && /^[\x20-\x7e]*$/.test(given)) text = decoded(given);
  if (text !== null && text.length <= max) return text;
  throw new KilldeerError('api.invalid', `${name} is not at most ${max} characters of percent-encoded text`);
}

function decoded(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function amountOf(headers: IncomingHttpHeaders, name: string): number | null {
  const given = headers[name];
  if (given === undefined || given === '') return null;
  const amount = Number(given);
  if (amount >= 0 && amount <= LIMITS.costUsd) return amount;
  throw new KilldeerError('api.invalid', `${name} is not an amount from 0 to ${LIMITS.costUsd}`);
}

/** The one agent of a token that is bound to a single name. */
function soleAgent({ agents }: Bindings): string | null {
  if (agents === null || agents.length !== 1 || agents[0].endsWith('*')) return null;
  return agents[0];
}

function soleTenant({ tenants }: Bindings): string {
  return tenants !== null && tenants.length === 1 ? tenants[0] : '';
}
