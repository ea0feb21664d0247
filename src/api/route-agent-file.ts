/** Many agents at once: a file of them taken in, whole or not at all, and the registry written out as one. */
import { Readable } from 'node:stream';
import { setImmediate as pause } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { RegistryEntry } from '../registry/registry.js';
import { identityOf } from './access.js';
import { exportHead, exportLine, readAgentFile } from './agent-file.js';
import { isWanted } from './agents-filter.js';
import { covers } from './binding.js';
import { decompress, takeBytes } from './body.js';
import { ADMINS, type Identity, READERS, type RegistryPort, type ServerParts } from './contract.js';
import { exportAnswer, exportQuery, type ImportAnswer, importAnswer, importQuery } from './file-schema.js';
import { type Changes, changesOf, differencesOf, objectionTo, rowOf } from './registration.js';
import type { AgentRow } from './registration-schema.js';
import { type Api, authorityOf } from './route.js';
import { PROBLEMS_MAX, type Row, type RowFormat, type RowProblem } from './row-file.js';
import { STEP, withBreaths } from './steps.js';

/** Types of a file of rows. */
export const FILE_TYPES = ['application/json', 'application/x-ndjson', 'application/jsonl', 'text/csv'];
/** Of one call; a larger file is sent in parts. */
export const IMPORT_ROWS_MAX = 10_000;
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const CHANGES_MAX = 1_000;
const HOPS_MAX = 32;

interface PlannedRow extends Row<AgentRow> {
  readonly entry: RegistryEntry | null;
  readonly changes: Changes;
  readonly members: ReturnType<typeof differencesOf>;
}

export function registerAgentFile(app: Api, parts: ServerParts): void {
  app.register((scope, _options, done) => {
    takeBytes(scope as unknown as Api, FILE_TYPES);
    registerImport(scope as unknown as Api, parts);
    done();
  });

  app.route({
    method: 'GET',
    url: '/v1/registry/export',
    config: {
      access: READERS,
      operation: 'exportAgents',
      summary: 'The registered agents as JSON Lines or CSV, to be read back by an import',
    },
    schema: { querystring: exportQuery, response: { 200: exportAnswer } },
    handler: async (request, reply) => {
      const { format, registered, ...filter } = request.query;
      const { bindings } = identityOf(request);
      const wanted = { ...filter, registered: registered === 'any' ? undefined : registered };
      const entries = [...parts.registry.entries()].filter(
        (entry) => isWanted(entry, wanted) && covers(bindings, entry.tenant, entry.agent),
      );
      const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson';
      return reply.type(type).send(Readable.from(exported(entries, format)) as unknown as string);
    },
  });
}

async function* exported(entries: readonly RegistryEntry[], format: RowFormat): AsyncGenerator<string> {
  yield exportHead(format);
  for (let at = 0; at < entries.length; at += STEP) {
    yield entries
      .slice(at, at + STEP)
      .map((entry) => exportLine(rowOf(entry), format))
      .join('');
    await pause();
  }
}

function registerImport(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/registry/import',
    bodyLimit: FILE_BYTES_MAX,
    config: {
      access: ADMINS,
      operation: 'importAgents',
      summary: 'Register the agents of a file, or say what that would change',
    },
    schema: { querystring: importQuery, response: { 200: importAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { check, partial } = request.query;
      const file = await withBreaths(readAgentFile(await bytesOf(request), formatOf(request), IMPORT_ROWS_MAX));
      const plan = await withBreaths(planOf(parts.registry, identity, file.rows));
      const problems = [...file.problems, ...plan.problems].sort((a, b) => a.line - b.line).slice(0, PROBLEMS_MAX);
      const isApplied = check === 'false' && (problems.length === 0 || partial === 'true');
      const refused = isApplied ? await write(parts, request, identity, plan.rows) : new Map<PlannedRow, string>();
      const late = [...refused].map(([{ line }, message]) => ({ line, member: null, message }));
      const taken = plan.rows.filter((row) => !refused.has(row));
      return answerOf(taken, plan.good, [...problems, ...late], isApplied);
    },
  });
}

/** The bytes of a file, unpacked. Throws what `decompress` throws. */
export async function bytesOf(request: FastifyRequest): Promise<Uint8Array> {
  return await decompress(request.body, request.headers['content-encoding']);
}

/** By the content type; what is no CSV is JSON. */
export function formatOf(request: FastifyRequest): RowFormat {
  return (request.headers['content-type'] ?? '').startsWith('text/csv') ? 'csv' : 'json';
}

function* planOf(
  registry: RegistryPort,
  identity: Identity,
  rows: readonly Row<AgentRow>[],
): Generator<void, { rows: PlannedRow[]; problems: RowProblem[]; good: number }> {
  const planned: PlannedRow[] = [];
  const problems: RowProblem[] = [];
  const parents = new Map(rows.map(({ value }) => [keyOf(value.tenant, value.agent), value.parent]));
  for (const [place, row] of rows.entries()) {
    if (place % STEP === 0) yield;
    const { agent, tenant, if_version: ifVersion = null, ...wish } = row.value;
    const entry = registry.entry(tenant, agent);
    const objection = refusedRow(registry, identity, row.value, entry, parents) ?? objectionTo(wish, entry);
    if (objection !== null) problems.push({ line: row.line, ...objection });
    else if (ifVersion !== null && ifVersion !== (entry?.version ?? 0)) {
      const message = `${ifVersion} was read, it is ${entry?.version ?? 0} now`;
      problems.push({ line: row.line, member: 'if_version', message });
    } else {
      const changes = changesOf(wish, entry);
      const members = differencesOf(changes, entry);
      // What would change nothing is not written: the same file twice leaves no trace.
      if (members.length > 0 || entry?.registered !== true) planned.push({ ...row, entry, changes, members });
    }
  }
  return { rows: planned, problems, good: rows.length - problems.length };
}

function refusedRow(
  registry: RegistryPort,
  identity: Identity,
  { tenant, agent, owner, parent }: AgentRow,
  entry: RegistryEntry | null,
  parents: ReadonlyMap<string, string | null | undefined>,
) {
  if (!covers(identity.bindings, tenant, agent)) {
    return { member: 'agent', message: 'the token is not bound to this agent' };
  }
  if (typeof owner === 'string' && owner !== entry?.owner && registry.leavers().has(owner)) {
    return { member: 'owner', message: `${owner} has left` };
  }
  const parentOf = (name: string) => {
    const named = parents.get(keyOf(tenant, name));
    return named === undefined ? (registry.entry(tenant, name)?.parent ?? null) : named;
  };
  if (typeof parent !== 'string' || !closesCircle(agent, parent, parentOf)) return null;
  return { member: 'parent', message: `${parent} works under ${agent} itself` };
}

function closesCircle(agent: string, parent: string, parentOf: (name: string) => string | null): boolean {
  let above: string | null = parent;
  for (let hops = 0; above !== null && hops < HOPS_MAX; hops++) {
    if (above === agent || above.startsWith(`${agent}/`)) return true;
    above = parentOf(above);
  }
  return false;
}

/** Rows that the registry refused all the same, with its reason: somebody else wrote in between. */
async function write(
  { registry, clock }: ServerParts,
  request: FastifyRequest,
  identity: Identity,
  rows: readonly PlannedRow[],
): Promise<Map<PlannedRow, string>> {
  const refused = new Map<PlannedRow, string>();
  const put = async (row: PlannedRow): Promise<void> => {
    const { tenant, agent, if_version: ifVersion = null } = row.value;
    const said = { type: 'register', ...authorityOf(identity, request.id), timeMs: clock() } as const;
    const { effect, reason } = await registry.write({ ...said, tenant, agent, ifVersion, ...row.changes });
    if (effect === 'refused') refused.set(row, reason ?? 'was refused');
  };
  // Together they share the log's commits; in parts, so that a person's stop in between does not wait for all.
  for (let at = 0; at < rows.length; at += STEP) await Promise.all(rows.slice(at, at + STEP).map(put));
  return refused;
}

function answerOf(taken: readonly PlannedRow[], rows: number, problems: RowProblem[], applied: boolean): ImportAnswer {
  const changes = taken.slice(0, CHANGES_MAX).map(({ line, value, entry, members }) => ({
    ...{ line, tenant: value.tenant, agent: value.agent, is_new: entry?.registered !== true },
    members: members.map((one) => ({ ...one })),
  }));
  return { applied, rows, changed: taken.length, problems, changes };
}

function keyOf(tenant: string, agent: string): string {
  return JSON.stringify([tenant, agent]);
}
