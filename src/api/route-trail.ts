/** The audit trail: who did what on whose authority, and what came of it, as the registry's log holds it. */
import { Readable } from 'node:stream';
import type { RegistryRecord } from '../registry/registry.js';
import { csvLine } from '../render/csv-cells.js';
import { escapedText, inertJson } from '../render/inert.js';
import { identityOf } from './access.js';
import type { TrailEntry, TrailFilter } from './audit-trail.js';
import { covers, isBound } from './binding.js';
import { type Identity, READERS, type ServerParts } from './contract.js';
import { exportAnswer } from './file-schema.js';
import type { OperationsPort } from './operations-contract.js';
import { operationsOf } from './operations-guard.js';
import { type AuditEntryAnswer, auditAnswer, auditExportQuery, auditQuery } from './operations-schema.js';
import type { Api } from './route.js';

const COLUMNS = [
  ...['offset', 'time', 'type', 'actor', 'authority', 'parent', 'tenant', 'agent', 'effect', 'reason', 'record'],
] as const;
/** Rows read at a time for an export. */
const STEP = 500;

export function registerTrail(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/audit',
    config: {
      access: READERS,
      operation: 'listAudit',
      summary: 'List who did what, on whose authority, and what came of it; newest first',
    },
    schema: { querystring: auditQuery, response: { 200: auditAnswer } },
    handler: async (request) => {
      const operations = operationsOf(parts);
      const { limit, cursor, ...asked } = request.query;
      const identity = identityOf(request);
      const at = cursor === undefined ? null : Number(cursor);
      // One more than is shown, so that the cursor can name where it ends.
      const { entries, before } = operations.trail.page(filterOf(asked, identity), limit, at);
      return {
        entries: await rowsOf(operations, entries, identity),
        cursor: before === null ? null : String(before),
        forgotten: operations.trail.hasForgotten,
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/audit/export',
    config: {
      access: READERS,
      operation: 'exportAudit',
      summary: 'The same as JSON Lines or CSV; no cell acts in a spreadsheet',
    },
    schema: { querystring: auditExportQuery, response: { 200: exportAnswer } },
    handler: async (request, reply) => {
      const { format, ...asked } = request.query;
      const identity = identityOf(request);
      const text = exported(operationsOf(parts), filterOf(asked, identity), identity, format);
      const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson';
      return reply.type(type).send(Readable.from(text) as unknown as string);
    },
  });
}

interface Asked {
  readonly tenant?: string | undefined;
  readonly agent?: string | undefined;
  readonly actor?: string | undefined;
  readonly type?: string | undefined;
  readonly people: 'true' | 'false';
  readonly from_ms?: number | undefined;
  readonly to_ms?: number | undefined;
}

function filterOf({ people, from_ms: fromMs, to_ms: toMs, ...same }: Asked, { bindings }: Identity): TrailFilter {
  const filter = { ...same, fromMs, toMs, people: people === 'true' };
  if (!isBound(bindings)) return filter;
  // What is about nobody in particular is everybody's, and not for a token that is bound.
  const visible = ({ tenant, agent }: TrailEntry) =>
    tenant !== null && agent !== null && covers(bindings, tenant, agent);
  return { ...filter, visible };
}

/** Entries with their records, which are read from the log in runs of neighbours. */
async function rowsOf(
  operations: OperationsPort,
  entries: readonly TrailEntry[],
  identity: Identity,
): Promise<AuditEntryAnswer[]> {
  const records = new Map<number, RegistryRecord>();
  for (const { from, to } of runsOf(entries.map(({ offset }) => offset))) {
    for (const { offset, record } of await operations.records(from, to - from + 1)) records.set(offset, record);
  }
  return entries.flatMap((entry) => {
    const record = records.get(entry.offset);
    return record === undefined ? [] : [rowOf(entry, record, isBound(identity.bindings))];
  });
}

/** Gaps smaller than this are read along. */
const GAP = 20;

/** Stretches of the log that hold the offsets, which descend. */
export function runsOf(offsets: readonly number[]): readonly { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const offset of offsets) {
    const last = runs.at(-1);
    if (last !== undefined && last.from - offset <= GAP) last.from = offset;
    else runs.push({ from: offset, to: offset });
  }
  return runs;
}

function rowOf(entry: TrailEntry, record: RegistryRecord, isForBound: boolean): AuditEntryAnswer {
  const { actor, authority, parent, timeMs: _time, type: _type, ...rest } = record;
  // A trail names agents that the token may know nothing of.
  const { trail: _trail, ...narrow } = rest as { trail?: unknown };
  return {
    offset: entry.offset,
    time_ms: entry.timeMs,
    type: entry.type,
    actor,
    authority,
    parent,
    tenant: entry.tenant,
    agent: entry.agent,
    effect: entry.effect,
    reason: entry.reason,
    record: isForBound ? narrow : { ...rest },
  };
}

async function* exported(
  operations: OperationsPort,
  filter: TrailFilter,
  identity: Identity,
  format: 'jsonl' | 'csv',
): AsyncGenerator<string> {
  yield format === 'csv' ? `${csvLine(COLUMNS)}\r\n` : '';
  for (let at: number | null = null; ; ) {
    const page: ReturnType<OperationsPort['trail']['page']> = operations.trail.page(filter, STEP, at);
    const rows = await rowsOf(operations, page.entries, identity);
    yield rows.map((row) => (format === 'csv' ? `${csvRow(row)}\r\n` : `${inertJson(row)}\n`)).join('');
    if (page.before === null) return;
    at = page.before;
  }
}

function csvRow(row: AuditEntryAnswer): string {
  const cells = [
    ...[String(row.offset), new Date(row.time_ms).toISOString(), row.type, row.actor, row.authority, row.parent ?? ''],
    ...[row.tenant ?? '', row.agent ?? '', row.effect, row.reason ?? '', JSON.stringify(row.record)],
  ];
  return csvLine(cells.map(escapedText));
}
