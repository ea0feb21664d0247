/**
 * A small client for the verbs that speak to a live system. Every failure is a KilldeerError: the server's problem
 * with its own code, or 'api.unreachable' where there was no answer.
 */
import { ERRORS, type ErrorCode, KilldeerError } from '../errors.js';
import type {
  ApprovalAnswer,
  ApprovalBody,
  ApprovalsAnswer,
  ApprovalsQuery,
  DenialsAnswer,
  DenialsQuery,
} from './approval-schema.js';
import type { AppliedAnswer, ReportAnswer } from './audit-schema.js';
import type { Call, CallParts, RowFile } from './client-call.js';
import type { ConnectorsAnswer, EffectsAnswer } from './connector-schema.js';
import type { IngestAnswer, Role } from './contract.js';
import type { DecideAnswer, DecideBody, SettleAnswer, SettleBody } from './decide-schema.js';
import type { DrillAnswer, DrillBody, DrillsAnswer } from './drill-schema.js';
import type { ImportAnswer, SponsorsAnswer } from './file-schema.js';
import type {
  ActivateBody,
  AuditAnswer,
  AuditQuery,
  ChoiceAnswer,
  ConfigAnswer,
  ModelsAnswer,
  SettingsAnswer,
  SettingsBody,
} from './operations-schema.js';
import type { LadderBody, PolicyAnswer } from './policy-schema.js';
import type { ProfileAnswer } from './profile-schema.js';
import type { BrakesAnswer, HaltAnswer, HaltBody, RecoverBody } from './responder-schema.js';
import type { RowFormat } from './row-file.js';
import type {
  AgentAnswer,
  AgentsAnswer,
  RegisterBody,
  ReleaseBody,
  StopBody,
  TokenEntryAnswer,
  VerdictAnswer,
} from './schema.js';
import type { LinkAnswer, LinkBody } from './session-schema.js';
import type { SinksAnswer } from './sink-schema.js';
import type {
  SuppressionAnswer,
  SuppressionBody,
  SuppressionMadeAnswer,
  SuppressionsAnswer,
  SuppressionsQuery,
} from './suppression-schema.js';
import { createTriageClient, type TriageClient } from './triage-client.js';
import type { FindingVerdictAnswer, FindingVerdictsAnswer, VerdictBody } from './verdict-schema.js';

export type { RowFile } from './client-call.js';

export interface ClientOptions {
  /** As printed by the server, 'http://127.0.0.1:7070'. */
  readonly address: string;
  readonly token: string;
  /** For tests; the global fetch where absent. */
  readonly fetch?: typeof fetch;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs?: number;
}

export interface AgentsQuery {
  readonly tenant?: string;
  readonly status?: string;
  readonly owner?: string;
  readonly role?: string;
  readonly label?: string;
  readonly trust?: string;
  readonly environment?: string;
  readonly registered?: 'true' | 'false' | 'any';
  readonly q?: string;
  readonly sort?: 'seen' | 'name' | 'risk';
  readonly limit?: number;
  readonly cursor?: string;
}

export interface NewToken {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly tenants?: readonly string[] | null;
  readonly agents?: readonly string[] | null;
  readonly expires_in_ms?: number | null;
}

export interface Client extends TriageClient {
  status(): Promise<Record<string, unknown>>;
  agents(query?: AgentsQuery): Promise<AgentsAnswer>;
  agent(agent: string, tenant?: string): Promise<AgentAnswer>;
  profile(agent: string, tenant?: string): Promise<ProfileAnswer>;
  register(agent: string, body: RegisterBody, tenant?: string): Promise<VerdictAnswer>;
  importAgents(file: RowFile, how: { check: boolean; partial: boolean }): Promise<ImportAnswer>;
  /** The file as text. */
  exportAgents(format: RowFormat, query?: AgentsQuery): Promise<string>;
  sendSponsors(file: RowFile, how: { check: boolean; stopsMax?: number }): Promise<SponsorsAnswer>;
  report(name: string, query?: AgentsQuery & { days?: number }): Promise<ReportAnswer>;
  /** The document in its canonical form, as signed. */
  makeReview(query?: AgentsQuery & { days?: number }): Promise<string>;
  applyReview(document: unknown, nextDays?: number): Promise<AppliedAnswer>;
  /** The public key that checks reviews: a JWK. */
  auditKey(): Promise<Record<string, string>>;
  stop(agent: string, body: StopBody, tenant?: string): Promise<VerdictAnswer>;
  release(agent: string, body: ReleaseBody, tenant?: string): Promise<VerdictAnswer>;
  /** `asOf`: a day or a time, ISO 8601; left out: it learns anew. */
  reset(agent: string, tenant?: string, asOf?: string): Promise<void>;
  giveVerdict(body: VerdictBody): Promise<FindingVerdictAnswer>;
  verdicts(): Promise<FindingVerdictsAnswer>;
  undoVerdict(id: string): Promise<FindingVerdictAnswer>;
  /** `check`: nothing is made; the answer says what would be muted. */
  suppress(body: SuppressionBody, check?: boolean): Promise<SuppressionMadeAnswer>;
  suppressions(query?: SuppressionsQuery): Promise<SuppressionsAnswer>;
  undoSuppression(id: string): Promise<SuppressionAnswer>;
  approvals(query?: ApprovalsQuery): Promise<ApprovalsAnswer>;
  answerApproval(id: string, body: ApprovalBody): Promise<ApprovalAnswer>;
  denials(query?: DenialsQuery): Promise<DenialsAnswer>;
  policy(): Promise<PolicyAnswer>;
  movePolicy(body: LadderBody): Promise<PolicyAnswer>;
  audit(query?: Partial<Record<keyof AuditQuery, string | number>>): Promise<AuditAnswer>;
  config(): Promise<ConfigAnswer>;
  setSettings(body: SettingsBody): Promise<SettingsAnswer>;
  models(): Promise<ModelsAnswer>;
  activateModel(version: string, body: ActivateBody): Promise<ChoiceAnswer>;
  unpinModel(): Promise<ChoiceAnswer>;
  connectors(): Promise<ConnectorsAnswer>;
  sinks(): Promise<SinksAnswer>;
  brakes(): Promise<BrakesAnswer>;
  drills(): Promise<DrillsAnswer>;
  reportDrill(body: DrillBody): Promise<DrillAnswer>;
  halt(body: HaltBody): Promise<HaltAnswer>;
  recover(body: RecoverBody): Promise<HaltAnswer>;
  effects(agent: string, tenant?: string): Promise<EffectsAnswer>;
  decide(body: DecideBody): Promise<DecideAnswer>;
  settle(body: SettleBody): Promise<SettleAnswer>;
  /** Lines of one call, at most 10,000. Rejected lines are in the answer, also where all of them were. */
  sendEvents(lines: readonly string[]): Promise<IngestAnswer>;
  createToken(request: NewToken): Promise<{ entry: TokenEntryAnswer; token: string }>;
  tokens(): Promise<{ tokens: TokenEntryAnswer[] }>;
  revokeToken(id: string): Promise<TokenEntryAnswer>;
  makeLoginLink(body: LinkBody): Promise<LinkAnswer>;
}

export function createClient(options: ClientOptions): Client {
  const call = createCall(options);
  const of = (agent: string) => `/v1/agents/${encodeURIComponent(agent)}`;
  return {
    status: () => call('GET', '/v1/status'),
    agents: (query = {}) => call('GET', '/v1/agents', { query: { ...query } }),
    agent: (agent, tenant) => call('GET', of(agent), { query: { tenant } }),
    profile: (agent, tenant) => call('GET', `${of(agent)}/profile`, { query: { tenant } }),
    register: (agent, body, tenant) => call('PUT', of(agent), { query: { tenant }, body }),
    importAgents: (file, { check, partial }) =>
      call('POST', '/v1/registry/import', { file, query: { check: String(check), partial: String(partial) } }),
    exportAgents: (format, query = {}) =>
      call('GET', '/v1/registry/export', { query: { ...query, format }, isText: true }),
    sendSponsors: (file, { check, stopsMax }) =>
      call('POST', '/v1/sponsors', { file, query: { check: String(check), stops_max: stopsMax } }),
    report: (name, query = {}) => call('GET', `/v1/registry/reports/${name}`, { query: { ...query } }),
    makeReview: (query = {}) => call('GET', '/v1/registry/review', { query: { ...query }, isText: true }),
    applyReview: (body, days) => call('POST', '/v1/registry/review', { body, query: { next_days: days } }),
    auditKey: () => call('GET', '/v1/registry/key'),
    stop: (agent, body, tenant) => call('POST', `${of(agent)}/stop`, { query: { tenant }, body }),
    release: (agent, body, tenant) => call('POST', `${of(agent)}/release`, { query: { tenant }, body }),
    reset: async (agent, tenant, asOf) => {
      await call('POST', `${of(agent)}/reset`, { query: { tenant, as_of: asOf } });
    },
    giveVerdict: (body) => call('POST', '/v1/verdicts', { body }),
    verdicts: () => call('GET', '/v1/verdicts'),
    undoVerdict: (id) => call('DELETE', `/v1/verdicts/${encodeURIComponent(id)}`),
    suppress: (body, check = false) => call('POST', '/v1/suppressions', { query: { check: String(check) }, body }),
    suppressions: (query = {}) => call('GET', '/v1/suppressions', { query: { ...query } }),
    undoSuppression: (id) => call('DELETE', `/v1/suppressions/${encodeURIComponent(id)}`),
    approvals: (query = {}) => call('GET', '/v1/approvals', { query: { ...query } }),
    answerApproval: (id, body) => call('POST', `/v1/approvals/${encodeURIComponent(id)}`, { body }),
    denials: (query = {}) => call('GET', '/v1/denials', { query: { ...query } }),
    policy: () => call('GET', '/v1/policy'),
    movePolicy: (body) => call('POST', '/v1/policy/ladder', { body }),
    audit: (query = {}) => call('GET', '/v1/audit', { query: { ...query } }),
    config: () => call('GET', '/v1/config'),
    setSettings: (body) => call('PUT', '/v1/settings', { body }),
    models: () => call('GET', '/v1/models'),
    activateModel: (version, body) => call('POST', `/v1/models/${encodeURIComponent(version)}/activate`, { body }),
    unpinModel: () => call('POST', '/v1/models/unpin', { body: {} }),
    connectors: () => call('GET', '/v1/connectors'),
    sinks: () => call('GET', '/v1/sinks'),
    brakes: () => call('GET', '/v1/brakes'),
    drills: () => call('GET', '/v1/drills'),
    reportDrill: (body) => call('POST', '/v1/drills', { body }),
    halt: (body) => call('POST', '/v1/halt', { body }),
    recover: (body) => call('POST', '/v1/halt/recover', { body }),
    effects: (agent, tenant) => call('GET', `${of(agent)}/effects`, { query: { tenant } }),
    ...createTriageClient(call),
    decide: (body) => call('POST', '/v1/decide', { body }),
    settle: (body) => call('POST', '/v1/decide/settle', { body }),
    sendEvents: (lines) => call('POST', '/v1/events', { lines }),
    createToken: (request) => call('POST', '/v1/tokens', { body: request }),
    tokens: () => call('GET', '/v1/tokens'),
    makeLoginLink: (body) => call('POST', '/v1/login-links', { body }),
    revokeToken: (id) => call('DELETE', `/v1/tokens/${encodeURIComponent(id)}`),
  };
}

const FILE_TYPES: Readonly<Record<RowFormat, string>> = { json: 'application/x-ndjson', csv: 'text/csv' };

function createCall(options: ClientOptions): Call {
  const send = options.fetch ?? fetch;
  const timeoutMs = options.timeoutMs ?? 30_000;

  return async <T>(method: string, path: string, parts: CallParts = {}): Promise<T> => {
    const url = new URL(path, options.address);
    for (const [name, value] of Object.entries(parts.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { authorization: `Bearer ${options.token}` };
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
    if (parts.lines !== undefined) {
      headers['content-type'] = 'application/x-ndjson';
      init.body = `${parts.lines.join('\n')}\n`;
    } else if (parts.file !== undefined) {
      headers['content-type'] = FILE_TYPES[parts.file.format];
      init.body = Buffer.from(parts.file.bytes);
    } else if (parts.body !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(parts.body);
    }
    const { ok, status, text, answer } = await exchange(send, url, init);
    if (ok) return (parts.isText === true ? text : answer) as T;
    return refusal(method, path, status, answer) as T;
  };
}

async function exchange(send: typeof fetch, url: URL, init: RequestInit) {
  try {
    const response = await send(url, init);
    const text = await response.text();
    return { ok: response.ok, status: response.status, text, answer: parse(text) };
  } catch (error) {
    throw new KilldeerError('api.unreachable', `no answer from ${url.origin}`, error);
  }
}

/** The server's words as an error; a call whose lines were all rejected is an answer all the same. */
function refusal(method: string, path: string, status: number, answer: unknown): IngestAnswer {
  const problem = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  if (problem.code === 'event.all-rejected') {
    const { accepted, rejected, rejections } = problem as unknown as IngestAnswer;
    return { accepted, duplicates: 0, rejected, rejections };
  }
  const detail = typeof problem.detail === 'string' ? problem.detail : `${method} ${path} was answered with ${status}`;
  throw new KilldeerError(isCode(problem.code) ? problem.code : 'api.internal', detail);
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
