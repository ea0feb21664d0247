/**
 * A copy of the registry beside a gateway: it reads what is in force, follows the stream, and decides by itself whether
 * an agent is stopped, so that a stop holds there although Killdeer is out of reach. What hangs on single calls (limits,
 * throttles, budgets, approvals) it does not know, and says so: `sure` is false, and /v1/decide is to be asked.
 *
 * Promises: no stop is missed by being away, since it goes on from the last position that it saw, and reads everything
 * again where the server's memory does not reach back so far. May not write.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { AgentStatus, Denial } from '../registry/registry.js';
import { createSseReader, type SseMessage } from './sse.js';
import type { CopyAgent, CopyHalt, CopyPolicy, CurrentAnswer } from './stream-schema.js';

export interface RegistryCopyOptions {
  /** As printed by the server. */
  readonly address: string;
  /** Of the role gateway; what it is not bound to is not in the copy. */
  readonly token: string;
  /** For tests; the global fetch where absent. */
  readonly fetch?: typeof fetch;
  /** Nothing heard for this long, not even a heartbeat: the stream is opened anew, ms. Default 40 s. */
  readonly silentMs?: number;
  /** Between two attempts, ms. Default 1 s. */
  readonly retryMs?: number;
  readonly onFault?: (error: unknown) => void;
}

export interface CopyDecision {
  readonly allow: boolean;
  readonly status: AgentStatus | 'unknown';
  readonly denial: Denial | null;
  readonly reason: string;
  /** False: the copy cannot know; ask /v1/decide, and take `allow` only where that gives no answer. */
  readonly sure: boolean;
}

export interface RegistryCopy {
  decide(tenant: string, agent: string, nowMs: number): CopyDecision;
  /** Position that the copy has reached; null before it was first read. */
  position(): number | null;
  /** ms since the server was last heard of, on the clock of `performance`. */
  silentMs(): number;
  stop(): Promise<void>;
}

const SILENT_MS = 40_000;
const RETRY_MS = 1_000;
const PAGE = 1_000;
/** Steps of delegation that are followed upwards. */
const HOPS_MAX = 32;

/** What is in force, as told. */
interface Told {
  agents: Map<string, CopyAgent>;
  halts: Map<string | null, CopyHalt>;
  policy: CopyPolicy | null;
  position: number | null;
}

const empty = (): Told => ({ agents: new Map(), halts: new Map(), policy: null, position: null });

/** Starts reading at once, and goes on until stopped; resolves once it was read for the first time. */
export async function openRegistryCopy(options: RegistryCopyOptions): Promise<RegistryCopy> {
  const copy = new Copy(options);
  await copy.read();
  copy.follow();
  return copy;
}

class Copy implements RegistryCopy {
  private told = empty();
  private heardMs = performance.now();
  private readonly stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();

  constructor(private readonly options: RegistryCopyOptions) {}

  position(): number | null {
    return this.told.position;
  }

  silentMs(): number {
    return performance.now() - this.heardMs;
  }

  decide(tenant: string, agent: string, nowMs: number): CopyDecision {
    return decideFrom(this.told, tenant, agent, nowMs);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.following;
  }

  follow(): void {
    this.following = this.run();
  }

  /** Everything anew, in pages; the position is that of the first, and what comes twice is told apart by its version. */
  async read(): Promise<void> {
    const fresh = empty();
    for (let cursor: number | null = 0; cursor !== null; ) {
      const page = (await this.get(`/v1/registry/current?limit=${PAGE}&cursor=${cursor}`)) as CurrentAnswer;
      if (fresh.position === null) {
        Object.assign(fresh, { position: page.offset, policy: page.policy });
        for (const halt of page.halts) fresh.halts.set(halt.tenant, halt);
      }
      for (const agent of page.agents) fresh.agents.set(keyOf(agent.tenant, agent.agent), agent);
      cursor = page.cursor;
    }
    this.told = fresh;
  }

  private async run(): Promise<void> {
    const { retryMs = RETRY_MS, onFault } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.listen();
      } catch (error) {
        if (!signal.aborted) onFault?.(error);
      }
      // Nothing is lost by waiting: the stream goes on from the position.
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One stream, until it ends. */
  private async listen(): Promise<void> {
    const { silentMs = SILENT_MS } = this.options;
    const ending = new AbortController();
    let patience = setTimeout(() => ending.abort(), silentMs);
    try {
      const headers = { 'last-event-id': String(this.told.position ?? 0) };
      const response = await this.call('/v1/registry/stream', headers, ending.signal);
      const reader = createSseReader();
      for await (const bytes of response.body ?? []) {
        clearTimeout(patience);
        patience = setTimeout(() => ending.abort(), silentMs);
        this.heardMs = performance.now();
        for (const message of reader.push(bytes)) await this.take(message);
      }
    } finally {
      clearTimeout(patience);
      ending.abort();
    }
  }

  private async take({ type, data, id }: SseMessage): Promise<void> {
    if (type === 'reset') await this.read();
    else if (type !== 'heartbeat') apply(this.told, type, JSON.parse(data));
    if (id !== null) this.told.position = Math.max(Number(id), this.told.position ?? 0);
  }

  private async get(path: string): Promise<unknown> {
    return (await this.call(path, {}, AbortSignal.timeout(this.options.silentMs ?? SILENT_MS))).json();
  }

  private async call(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { address, token, fetch: send = fetch } = this.options;
    const url = new URL(path, address);
    const response = await send(url, {
      headers: { ...headers, authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, this.stopping.signal]),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new KilldeerError('api.unreachable', `${url.pathname} was answered with ${response.status}`);
  }
}

function apply(told: Told, type: string, data: unknown): void {
  if (type === 'policy') told.policy = data as CopyPolicy;
  else if (type === 'halt') setHalt(told.halts, data as CopyHalt);
  else if (type === 'restriction' || type === 'release' || type === 'limits') {
    const agent = data as CopyAgent;
    const key = keyOf(agent.tenant, agent.agent);
    // A page that was read later than this was told may know more.
    if ((told.agents.get(key)?.version ?? 0) <= agent.version) told.agents.set(key, agent);
  }
}

function setHalt(halts: Told['halts'], halt: CopyHalt): void {
  if (halt.share >= 1) halts.delete(halt.tenant);
  else halts.set(halt.tenant, halt);
}

function decideFrom(told: Told, tenant: string, agent: string, nowMs: number): CopyDecision {
  const line = lineOf(told.agents, tenant, agent);
  const own = told.agents.get(keyOf(tenant, agent));
  const status = own?.status ?? 'unknown';
  const unsure = (allow: boolean, reason: string): CopyDecision => ({
    ...{ allow, status, denial: null, reason, sure: false },
  });
  if (told.position === null) return unsure(true, 'the registry was not read yet');
  const halt = told.halts.get(null) ?? told.halts.get(tenant);
  if (halt?.share === 0) return { allow: false, status, denial: 'halted', reason: halt.reason, sure: true };
  const stop = line.find((one) => isStopped(one, nowMs));
  if (stop !== undefined) {
    // Some automatic stops pass over an agent that is protected: which, the registry knows.
    if (stop !== own && own?.protected === true) return unsure(false, `${stop.agent} is ${stop.status}`);
    const reason = `${stop.agent} is ${stop.status}: ${stop.reason ?? 'no reason was told'}`;
    return { allow: false, status: stop.status, denial: 'stopped', reason, sure: true };
  }
  if (halt !== undefined) return unsure(false, `a halt is being lifted: ${halt.reason}`);
  if (isUnregistered(told.policy, line)) {
    const reason = 'not registered; the policy refuses such agents';
    return { allow: false, status, denial: 'unregistered', reason, sure: true };
  }
  // Whom it works for may be hidden from this token, or be nobody of whom anything was told.
  const isHidden = line.some(({ parent }) => parent !== null && !told.agents.has(keyOf(tenant, parent)));
  if (isHidden) return unsure(true, 'what holds for whom it works for is not told');
  if (told.policy?.limited === true || line.some((one) => one.limited || one.status !== 'active')) {
    return unsure(true, 'its single calls are limited');
  }
  return { allow: true, status, denial: null, reason: 'no restriction in force', sure: true };
}

/** One that has ended by the clock may cover a weaker one, which the stream tells of a moment later. */
function isStopped({ status, until_ms: untilMs }: CopyAgent, nowMs: number): boolean {
  return (status === 'suspended' || status === 'revoked') && (untilMs === null || nowMs < untilMs);
}

function isUnregistered(policy: CopyPolicy | null, line: readonly CopyAgent[]): boolean {
  return policy?.mode === 'enforce' && policy.unregistered === 'deny' && !line.some((one) => one.registered);
}

/** The agent and everybody above it that is known: by name, and by the parent that the registry knows. */
function lineOf(agents: Told['agents'], tenant: string, agent: string): CopyAgent[] {
  const line: CopyAgent[] = [];
  let name: string | null = agent;
  for (let hops = 0; name !== null && hops < HOPS_MAX; hops++) {
    let above: string | null = null;
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
      const one = agents.get(keyOf(tenant, name.slice(0, end)));
      if (one === undefined || line.includes(one)) continue;
      line.push(one);
      above ??= one.parent;
    }
    name = above;
  }
  return line;
}

function keyOf(tenant: string, agent: string): string {
  return `${tenant}\u0000${agent}`;
}
