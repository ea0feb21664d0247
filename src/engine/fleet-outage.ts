/**
 * A provider's outage, told from an agent's own trouble: how many agents had a model fail on them within minutes,
 * against how often that happens in this tenant's ordinary minutes. Each tenant is judged by itself: an outage makes
 * findings milder, and nobody may do that to another.
 *
 * The law: failing agents among m agent-minutes are Poisson with a rate that is only known from earlier minutes, a
 * Gamma(a, b) of f failing ones among n: a = PRIOR_FAILING + f, b = PRIOR_MINUTES + n. The predictive tail is
 * negative binomial with mean m a/b and dispersion a. An agent that makes most of its tenant's failures by itself
 * counts neither as evidence nor in the rate. Bounded: WINDOW_MS of turns, AGENTS_MAX agents that ever failed.
 */
import { lnNegativeBinomialTail } from '../math/tail.js';
import { agentsOf, ENDPOINTS_MAX, type Failure, failingMinutes, failureOf, scopeOf } from './fleet-failures.js';
import type { AgentSignal } from './signal.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Windows that are tested, ms; the longest is what is remembered of single turns. */
const WINDOWS_MS = [3 * MINUTE_MS, 10 * MINUTE_MS] as const;
const WINDOW_MS = 10 * MINUTE_MS;
/** ln of the chance of an ordinary window at which an outage is told: once in a million turns. */
const LN_P = Math.log(1e-6);
/** One agent that fails is its own trouble. */
const AGENTS_MIN = 2;
/** Least share of failing agent-minutes: below it models fail now and then, and nobody is excused by it. */
const SHARE_MIN = 0.05;
/** What is believed of a tenant that nobody has watched yet: one failing agent-minute in 200. */
const PRIOR_FAILING = 0.5;
const PRIOR_MINUTES = 100;
/** Memory of what is usual: half-life 14 days. */
const DAY_KEEP = Math.exp(-Math.LN2 / 14);
const FORGOTTEN = 0.05;
/** Failing minutes from which an agent that has at least this part of its tenant's is known for them. */
const PRONE_MINUTES = 3;
const PRONE_SHARE = 0.25;
/** Over after so long without a failure while somebody's calls succeeded, or while nobody called. */
const CALM_MS = 10 * MINUTE_MS;
const UNUSED_MS = 60 * MINUTE_MS;
/** What fails again so soon is the same outage. */
const REOPEN_MS = 60 * MINUTE_MS;
const AGENTS_MAX = 10_000;

/** What became known of an outage. */
export interface OutageNews {
  readonly state: 'outage' | 'over';
  readonly tenant: string;
  /** First failure of the window that told it, ms; what the outage is known by. */
  readonly fromMs: number;
  /** Model endpoints that fail, by name; none where it is over. */
  readonly endpoints: readonly string[];
  /** Agents failed on several endpoints, none of which stands out: every model is doubted. */
  readonly isWide: boolean;
  /** Agents that had failures, of those that called a model. */
  readonly agents: number;
  readonly active: number;
  /** Chance of it in ordinary minutes. */
  readonly p: number;
}

/** One turn of the clock. */
interface Turn {
  readonly timeMs: number;
  readonly minutes: number;
  readonly failures: readonly Failure[];
}

interface Outage {
  readonly fromMs: number;
  endpoints: readonly string[];
  isWide: boolean;
  /** ms; 0 while it lasts. */
  overMs: number;
}

interface Failer {
  /** Failing minutes, decayed. */
  minutes: number;
  /** Last one that was counted. */
  minute: number;
}

interface TenantJson {
  readonly turns: readonly Turn[];
  readonly minutes: number;
  readonly failers: readonly (readonly [string, Failer])[];
  readonly day: number;
  readonly ten: readonly [index: number, now: number, before: number];
  readonly outage: Outage | null;
}

export type OutagesJson = readonly (readonly [tenant: string, watch: TenantJson])[];

/** What one turn brought to a tenant. */
export interface TenantTurn {
  readonly minutes: number;
  /** Agents that were new among the running ten minutes. */
  readonly agents: number;
  readonly signals: readonly AgentSignal[];
}

const NOTHING: TenantTurn = { minutes: 0, agents: 0, signals: [] };

/** The outages of all tenants. */
export class OutageWatch {
  private readonly tenants = new Map<string, TenantWatch>();

  constructor(json: OutagesJson = []) {
    for (const [tenant, saved] of json) this.tenants.set(tenant, new TenantWatch(saved));
  }

  /** Takes a turn; what became known, in the order of tenants' names. */
  turn(timeMs: number, turns: ReadonlyMap<string, TenantTurn>): OutageNews[] {
    for (const tenant of turns.keys()) if (!this.tenants.has(tenant)) this.tenants.set(tenant, new TenantWatch());
    const news: OutageNews[] = [];
    for (const tenant of [...this.tenants.keys()].sort()) {
      const watch = this.tenants.get(tenant) as TenantWatch;
      const told = watch.turn(timeMs, turns.get(tenant) ?? NOTHING);
      if (told !== null) news.push({ tenant, ...told });
      else if (watch.isForgotten) this.tenants.delete(tenant);
    }
    return news;
  }

  snapshot(): OutagesJson {
    return [...this.tenants].map(([tenant, watch]) => [tenant, watch.snapshot()]);
  }
}

type TenantNews = Omit<OutageNews, 'tenant'>;

class TenantWatch {
  private turns: Turn[];
  /** Agent-minutes in ordinary times, decayed. */
  private minutes: number;
  private readonly failers: Map<string, Failer>;
  private day: number;
  /** Agents of the running ten minutes, and of those before. */
  private ten: readonly [index: number, now: number, before: number];
  private outage: Outage | null;

  constructor(json?: TenantJson) {
    this.turns = [...(json?.turns ?? [])];
    this.minutes = json?.minutes ?? 0;
    this.failers = new Map((json?.failers ?? []).map(([agent, failer]) => [agent, { ...failer }]));
    this.day = json?.day ?? 0;
    this.ten = json?.ten ?? [0, 0, 0];
    this.outage = json?.outage == null ? null : { ...json.outage };
  }

  /** Nothing is known any more that a new watch would not know. */
  get isForgotten(): boolean {
    return this.turns.length === 0 && this.outage === null && this.minutes < 1 && this.failers.size === 0;
  }

  turn(timeMs: number, { minutes, agents, signals }: TenantTurn): TenantNews | null {
    this.age(timeMs);
    this.countTen(timeMs, agents);
    const failures = signals.filter(({ failedMs }) => failedMs > 0).map(failureOf);
    if (minutes > 0 || failures.length > 0) this.turns.push({ timeMs, minutes, failures });
    this.retire(timeMs);
    return this.outage === null || this.outage.overMs > 0 ? this.test(timeMs) : this.follow(timeMs);
  }

  snapshot(): TenantJson {
    const { turns, minutes, day, ten, outage } = this;
    const failers = [...this.failers].map(([agent, failer]) => [agent, { ...failer }] as const);
    return { turns: [...turns], minutes, failers, day, ten, outage: outage === null ? null : { ...outage } };
  }

  private age(timeMs: number): void {
    const day = Math.floor(timeMs / DAY_MS);
    if (day === this.day) return;
    const keep = this.day === 0 ? 1 : Math.exp(Math.log(DAY_KEEP) * (day - this.day));
    this.day = day;
    this.minutes *= keep;
    for (const [agent, failer] of this.failers) {
      failer.minutes *= keep;
      if (failer.minutes < FORGOTTEN) this.failers.delete(agent);
    }
    if (this.outage !== null && this.outage.overMs > 0 && timeMs - this.outage.overMs > REOPEN_MS) this.outage = null;
  }

  private countTen(timeMs: number, agents: number): void {
    // The turn's calls lie before its tick.
    const index = Math.floor((timeMs - 1) / WINDOW_MS);
    const [running, now, before] = this.ten;
    if (index === running) this.ten = [index, now + agents, before];
    else this.ten = [index, agents, index === running + 1 ? now : 0];
  }

  /** Turns that are too old to be evidence become part of what is usual, unless they were part of an outage. */
  private retire(timeMs: number): void {
    while (this.turns.length > 0 && timeMs - this.turns[0].timeMs >= WINDOW_MS) {
      const turn = this.turns.shift() as Turn;
      if (this.outage !== null && turn.timeMs >= this.outage.fromMs) continue;
      this.minutes += turn.minutes;
      for (const { agent, timeMs: failedMs } of turn.failures) this.learn(agent, failedMs);
    }
  }

  private learn(agent: string, failedMs: number): void {
    const minute = Math.floor(failedMs / MINUTE_MS);
    const failer = this.failers.get(agent);
    if (failer === undefined) {
      if (this.failers.size >= AGENTS_MAX) this.failers.delete(this.failers.keys().next().value as string);
      this.failers.set(agent, { minutes: 1, minute });
    } else if (failer.minute !== minute) {
      failer.minute = minute;
      failer.minutes++;
    }
  }

  private test(timeMs: number): TenantNews | null {
    const recent = this.turns.filter(({ failures }) => failures.length > 0);
    if (recent.length === 0) return null;
    const { usual, prone } = this.usual();
    let best: { readonly lnP: number; readonly failing: readonly Failure[] } | null = null;
    for (const windowMs of WINDOWS_MS) {
      const turns = this.turns.filter((turn) => timeMs - turn.timeMs < windowMs);
      const failing = turns.flatMap(({ failures }) => failures).filter(({ agent }) => !prone.has(agent));
      const agents = agentsOf(failing);
      const minutes = Math.max(minutesOf(turns), agents);
      if (agents < AGENTS_MIN || failingMinutes(failing) < SHARE_MIN * minutes) continue;
      const a = PRIOR_FAILING + usual;
      const mean = (minutes * a) / (PRIOR_MINUTES + this.minutes);
      const lnP = lnNegativeBinomialTail(agents, mean, a) + Math.log(WINDOWS_MS.length);
      if (lnP <= LN_P && (best === null || lnP < best.lnP)) best = { lnP, failing };
    }
    return best === null ? null : this.begin(timeMs, best.failing, best.lnP);
  }

  /** Failing minutes that are nobody's own, and the agents that are known for theirs. */
  private usual(): { readonly usual: number; readonly prone: ReadonlySet<string> } {
    let total = 0;
    for (const { minutes } of this.failers.values()) total += minutes;
    const prone = new Set<string>();
    let usual = total;
    for (const [agent, { minutes }] of this.failers) {
      if (minutes < PRONE_MINUTES || minutes < PRONE_SHARE * total) continue;
      prone.add(agent);
      usual -= minutes;
    }
    return { usual, prone };
  }

  private begin(timeMs: number, failing: readonly Failure[], lnP: number): TenantNews {
    const before = this.outage;
    const isSame = before !== null && timeMs - before.overMs <= REOPEN_MS;
    const fromMs = isSame ? before.fromMs : Math.min(...failing.map((one) => one.timeMs));
    this.outage = { fromMs, overMs: 0, ...scopeOf(failing) };
    return this.news('outage', this.outage, failing, Math.exp(lnP));
  }

  /** An outage that lasts: whether it is over, and whether more endpoints fail than were told. */
  private follow(timeMs: number): TenantNews | null {
    const outage = this.outage as Outage;
    const turns = this.turns.filter((turn) => timeMs - turn.timeMs < CALM_MS);
    const failing = turns.flatMap(({ failures }) => failures);
    if (failing.length === 0) {
      const lastMs = this.turns.at(-1)?.timeMs ?? outage.fromMs;
      if (minutesOf(turns) === 0 && timeMs - lastMs < UNUSED_MS) return null;
      outage.overMs = timeMs;
      return this.news('over', { ...outage, endpoints: [], isWide: false }, [], 1);
    }
    const scope = scopeOf(failing);
    const named = [...new Set([...outage.endpoints, ...scope.endpoints])].sort().slice(0, ENDPOINTS_MAX);
    const isWide = outage.isWide || scope.isWide;
    if (isWide === outage.isWide && (isWide || named.length === outage.endpoints.length)) return null;
    outage.endpoints = named;
    outage.isWide = isWide;
    return this.news('outage', outage, failing, Math.exp(LN_P));
  }

  private news(state: TenantNews['state'], outage: Outage, failing: readonly Failure[], p: number): TenantNews {
    const agents = agentsOf(failing);
    const active = Math.max(agents, this.ten[1], this.ten[2]);
    const { fromMs, endpoints, isWide } = outage;
    return { state, fromMs, endpoints, isWide, agents, active, p };
  }
}

function minutesOf(turns: readonly Turn[]): number {
  return turns.reduce((sum, { minutes }) => sum + minutes, 0);
}
