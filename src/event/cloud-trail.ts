/**
 * AWS CloudTrail: one API call of one principal becomes one event of operation `http`. Every principal counts as an
 * agent: which of them is one is for the inventory to say, and what is left out here could never be found.
 */
import { hash64, hex64 } from '../math/hash.js';
import { rejection } from './decode.js';
import { documentsOf, isRefused } from './json-document.js';
import { LIMITS } from './schema.js';
import {
  cutText,
  firstText,
  isObject,
  itemOf,
  type JsonObject,
  RECORD_ITEMS_MAX,
  type SourceContext,
  type SourceItem,
  skip,
} from './source-item.js';
import { printable } from './text.js';

/** A refusal by an authority, in the words of the many services. */
const DENIED = /AccessDenied|Unauthori[sz]ed|Forbidden|NotAuthorized|OptInRequired/i;
const SERVICE = /\.amazonaws\.com(\.cn)?$/;
const NOTHING: JsonObject = {};

/** The entries of a record: one, `{"Records": [...]}`, an array, or one a line. Positions count entries from 0. */
export function* cloudTrailItems(value: Uint8Array, context: SourceContext): Generator<SourceItem> {
  let position = 0;
  for (const document of documentsOf(value)) {
    if (isRefused(document)) {
      yield { ...document, position: position++ };
      continue;
    }
    const entries = entriesOf(document.value);
    if (entries === null) {
      yield rejection('source.undecodable', `Records must be an array of at most ${RECORD_ITEMS_MAX}`, position++);
      continue;
    }
    for (const entry of entries) yield entryItem(entry, position++, context);
  }
}

function entriesOf(document: unknown): readonly unknown[] | null {
  const entries = isObject(document) && 'Records' in document ? document['Records'] : document;
  if (Array.isArray(entries)) return entries.length > RECORD_ITEMS_MAX ? null : entries;
  return entries === document ? [document] : null;
}

function entryItem(entry: unknown, position: number, context: SourceContext): SourceItem {
  if (!isObject(entry)) {
    return rejection('event.invalid', `CloudTrail entry must be a JSON object, got ${printable(entry)}`, position);
  }
  const category = entry['eventCategory'];
  if (category !== undefined && category !== 'Management' && category !== 'Data' && category !== 'NetworkActivity') {
    return skip(`eventCategory ${printable(category)} is no call of a principal`, position);
  }
  const { eventSource, eventName } = entry;
  if (typeof eventSource !== 'string' || eventSource === '') return unnamed('eventSource', eventSource, position);
  if (typeof eventName !== 'string' || eventName === '') return unnamed('eventName', eventName, position);
  const wire = wireOf(entry, `${eventSource.replace(SERVICE, '')}:${eventName}`, context.tenant);
  if (wire['agent'] === undefined) {
    const got = printable(entry['userIdentity']);
    return rejection('event.invalid', `userIdentity names no principal, got ${got}`, position);
  }
  return itemOf(wire, position, context, `eventID ${printable(entry['eventID'])}`);
}

function unnamed(member: string, value: unknown, position: number): SourceItem {
  const wrong = value === undefined ? 'is missing' : `must be text and not empty, got ${printable(value)}`;
  return rejection('event.invalid', `${member} ${wrong}`, position);
}

function wireOf(entry: JsonObject, endpoint: string, tenant: string): JsonObject {
  const identity = objectOf(entry['userIdentity']);
  const session = objectOf(identity['sessionContext']);
  const extra = objectOf(entry['additionalEventData']);
  const target = targetOf(entry['resources']);
  return {
    id: entry['eventID'],
    time: entry['eventTime'],
    agent: agentOf(identity, session),
    session: sessionOf(identity, session),
    operation: 'http',
    endpoint,
    tenant: tenant === '' ? entry['recipientAccountId'] : tenant,
    target: target === undefined ? undefined : cutText(target, LIMITS.target),
    status: statusOf(entry['errorCode']),
    error_type: errorTypeOf(entry['errorCode']),
    bytes_out: typeof extra['bytesTransferredOut'] === 'number' ? extra['bytesTransferredOut'] : undefined,
    credential: credentialOf(identity['accessKeyId']),
    source: entry['sourceIPAddress'],
    initiator: firstText(session['sourceIdentity']),
    on_behalf_of: principalOf(objectOf(identity['onBehalfOf'])['userId']),
    trace: entry['requestID'],
  };
}

/** A role's sessions are one agent, however each is named: the role is what stays. */
function agentOf(identity: JsonObject, session: JsonObject): string | undefined {
  const issuer = objectOf(session['sessionIssuer']);
  return firstText(
    issuer['arn'],
    identity['arn'],
    identity['principalId'],
    identity['userName'],
    identity['invokedBy'],
    identity['accountId'],
  );
}

/** What stands behind the role in the name of an assumed one: the session that its caller named. */
function sessionOf(identity: JsonObject, session: JsonObject): string | undefined {
  if (!isObject(session['sessionIssuer'])) return undefined;
  const arn = firstText(identity['arn'])?.split('/');
  if (arn !== undefined && arn.length > 2) return arn[arn.length - 1];
  return firstText(identity['principalId'])?.split(':')[1];
}

function errorTypeOf(errorCode: unknown): string | undefined {
  return typeof errorCode === 'string' ? cutText(errorCode, LIMITS.name) : undefined;
}

/** Absent means that the call went through. */
function statusOf(errorCode: unknown): unknown {
  if (errorCode === undefined || errorCode === null || errorCode === '') return 'ok';
  return typeof errorCode === 'string' && DENIED.test(errorCode) ? 'denied' : 'error';
}

function targetOf(resources: unknown): string | undefined {
  if (!Array.isArray(resources)) return undefined;
  for (const resource of resources) {
    const arn = isObject(resource) ? firstText(resource['ARN'], resource['arn']) : undefined;
    if (arn !== undefined) return arn;
  }
  return undefined;
}

/** The id of a key is no secret, yet it stays where it is: what is compared is its hash. */
function credentialOf(accessKeyId: unknown): string | undefined {
  if (typeof accessKeyId !== 'string' || accessKeyId === '') return undefined;
  const words = new Uint32Array(4);
  hash64(accessKeyId, 1, words.subarray(0, 2));
  hash64(accessKeyId, 2, words.subarray(2, 4));
  return `aws-${hex64(words[0], words[1])}${hex64(words[2], words[3])}`;
}

function principalOf(userId: unknown): string[] | undefined {
  return typeof userId === 'string' && userId !== '' ? [userId] : undefined;
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : NOTHING;
}
