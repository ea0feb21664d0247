/**
 * The ledger behind budgets at the inline decision: what was spent, and what is reserved for calls that were allowed and
 * not told of yet. Kept per agent, UTC day and session, for the acting agent and everybody above it, so that a budget
 * holds for the whole tree below whoever has it.
 *
 * A call is refused where spent + reserved + its own estimate would be more than a budget. So at any time
 *
 *   spent <= budget + the sum, over the calls in flight, of what each cost more than it reserved
 *
 * which is at most the largest single underestimate times the calls in flight. A reservation that nobody settles lapses;
 * a call that takes longer than that counts, from then on, as one that reserved nothing.
 *
 * Memory alone, pure: time is the caller's. May not decide who pays (spend-line.ts) nor where events come from.
 */
import type { AgentEvent } from '../event/event.js';
import { Generations } from './generations.js';
import type { Charge } from './spend-line.js';

const DAY_MS = 86_400_000;
/** Reserved amounts are whole micro-dollars: sums of them are exact, whatever comes and goes. */
const MICRO = 1e6;
/** Calls over which the usual cost of an agent's call is averaged; older ones fade. */
const USUAL_OF = 16;
/** Calls without a session belong to an unnamed one, which begins anew with each UTC day. */
const UNNAMED = '';
/** Places of reservations that are over, before they are given back. */
const LAPSED_MIN = 1_024;
const SEPARATOR = '\u0000';

/** Limits of a ledger. */
export interface SpendOptions {
  /** An allowed call that nobody told of counts as not made after this long, ms. */
  readonly reserveForMs: number;
  /** Open reservations; beyond them calls of agents with a budget are refused. Default 300,000, some 200 MB. */
  readonly reservationsMax?: number;
  /** Accounts of agents, and of sessions; those that nobody asked for longest are forgotten first. */
  readonly accountsMax?: number;
  /** Before each reservation's number: says whose it is, and must differ from process to process. */
  readonly prefix: string;
}

/** What a call was granted, or why not. USD. */
export interface Reserved {
  /** null: refused. */
  readonly id: string | null;
  readonly amountUsd: number;
  /** Left of the narrowest budget after this call, never below 0. */
  readonly remainingUsd: number;
  /** When it lapses, ms; 0 where it was refused. */
  readonly expiresMs: number;
  /** Which budget refused it, in words; null: allowed. */
  readonly reason: string | null;
}

/** What became of a reservation. */
export interface Settled {
  readonly tenant: string;
  readonly agent: string;
  readonly amountUsd: number;
}

/** One account as a checkpoint keeps it: [key, day, spent, usual, calls]. */
export type AccountRow = readonly [key: string, day: number, spentUsd: number, usualUsd: number, calls: number];

interface Account {
  /** UTC day of `spentUsd`, days since the epoch. Of a session: the day it was last spent on. */
  day: number;
  spentUsd: number;
  reservedMicro: number;
  /** Mean cost of a call of this very agent. */
  usualUsd: number;
  calls: number;
}

interface Reservation extends Settled {
  readonly id: string;
  readonly micro: number;
  readonly expiresMs: number;
  readonly accounts: readonly Account[];
  readonly line: readonly Charge[];
  readonly session: string | null;
}

interface Held {
  readonly account: Account;
  readonly limitUsd: number;
  readonly agent: string;
  readonly of: 'day' | 'session';
}

/** What was spent and is reserved, per agent, UTC day and session. */
export class SpendLedger {
  private readonly accounts: Generations<Account>;
  private readonly open = new Map<string, Reservation>();
  /** Ids in the order of their lapsing, since all last equally long; those before `first` are over. */
  private lapsing: string[] = [];
  private first = 0;
  /** Cost of reservations that were settled with one, whose event must not count again. */
  private readonly paid: Generations<number>;
  private readonly reservationsMax: number;
  private last = 0;

  constructor(private readonly options: SpendOptions) {
    this.reservationsMax = options.reservationsMax ?? 300_000;
    // An account with calls in flight is kept, or what they reserved would be given back to nobody.
    this.accounts = new Generations(options.accountsMax ?? 400_000, ({ reservedMicro }) => reservedMicro > 0);
    this.paid = new Generations(2 * this.reservationsMax);
  }

  /** Reservations that are open. */
  get inFlight(): number {
    return this.open.size;
  }

  /**
   * Reserves for one call. `line` is who is charged, acting agent first; at least one of it has a budget.
   * `estimateUsd` null: the agent's usual cost of a call, nothing where none is known.
   */
  reserve(
    tenant: string,
    line: readonly Charge[],
    session: string | null,
    estimateUsd: number | null,
    nowMs: number,
  ): Reserved {
    this.lapse(nowMs);
    const agent = line[0].agent;
    const day = dayOf(nowMs);
    const held = this.holdersOf(tenant, line, session, day);
    const usualUsd = this.accounts.get(keyOf(tenant, agent))?.usualUsd ?? 0;
    const micro = Math.ceil((estimateUsd ?? usualUsd) * MICRO);
    const amountUsd = micro / MICRO;
    const tight = narrowest(held, day);
    if (this.open.size >= this.reservationsMax) {
      return refusal(amountUsd, tight.leftUsd, `${this.open.size} calls are in flight, more than are kept account of`);
    }
    // Used up is used up: not even a call that is said to cost nothing goes on.
    if (tight.leftUsd <= 0 || amountUsd > tight.leftUsd) {
      return refusal(amountUsd, tight.leftUsd, wordsOf(tight, amountUsd));
    }
    this.last += 1;
    const id = `${this.options.prefix}-${this.last.toString(36)}`;
    const accounts = held.map(({ account }) => account);
    for (const account of accounts) account.reservedMicro += micro;
    const expiresMs = nowMs + this.options.reserveForMs;
    const reservation = { id, tenant, agent, amountUsd, micro, expiresMs, accounts, line, session };
    this.open.set(id, reservation);
    this.lapsing.push(id);
    return { id, amountUsd, remainingUsd: tight.leftUsd - amountUsd, expiresMs, reason: null };
  }

  /** Who holds the reservation; null: it lapsed, was settled, or is another process's. */
  reservation(id: string, nowMs: number): Settled | null {
    this.lapse(nowMs);
    return this.open.get(id) ?? null;
  }

  /**
   * Ends a reservation. With a cost that counts as spent now, and an event of the reservation's id does not count it
   * again; null: only its event tells what it cost. null answers: it is not open.
   */
  settle(id: string, costUsd: number | null, nowMs: number): Settled | null {
    this.lapse(nowMs);
    const reservation = this.open.get(id);
    if (reservation === undefined) return null;
    this.release(reservation);
    if (costUsd === null) return reservation;
    this.spend(reservation.tenant, reservation.line, reservation.session, costUsd, nowMs);
    this.paid.set(id, costUsd);
    return reservation;
  }

  /** Counts what an event cost. One whose id is that of a reservation of the same agent settles it. */
  note(
    event: Pick<AgentEvent, 'id' | 'tenant' | 'agent' | 'session' | 'costUsd' | 'timeMs'>,
    line: readonly Charge[],
  ): void {
    const reservation = this.open.get(event.id);
    if (reservation?.agent === event.agent && reservation.tenant === event.tenant) this.release(reservation);
    const costUsd = event.costUsd ?? 0;
    const paidUsd = this.paid.get(event.id) ?? 0;
    if (paidUsd > 0) this.paid.delete(event.id);
    if (costUsd > paidUsd) this.spend(event.tenant, line, event.session, costUsd - paidUsd, event.timeMs);
  }

  /** Spent and reserved, USD: of the session, or of the day where `session` is undefined. */
  standing(
    tenant: string,
    agent: string,
    session: string | null | undefined,
    nowMs: number,
  ): { spentUsd: number; reservedUsd: number } {
    this.lapse(nowMs);
    const day = dayOf(nowMs);
    const key = session === undefined ? keyOf(tenant, agent) : sessionKey(tenant, agent, session);
    const account = this.accounts.get(key);
    if (account === undefined) return { spentUsd: 0, reservedUsd: 0 };
    const isOver = (session === undefined || session === null) && account.day < day;
    return { spentUsd: isOver ? 0 : account.spentUsd, reservedUsd: account.reservedMicro / MICRO };
  }

  /** All accounts on which something was spent; nothing may be noted before the last was taken. */
  *rows(): IterableIterator<AccountRow> {
    for (const [key, { day, spentUsd, usualUsd, calls }] of this.accounts.entries())
      yield [key, day, spentUsd, usualUsd, calls];
  }

  /** Takes one of `rows` back. What was reserved then has lapsed. */
  restore([key, day, spentUsd, usualUsd, calls]: AccountRow): void {
    this.accounts.set(key, { day, spentUsd, reservedMicro: 0, usualUsd, calls });
  }

  private spend(tenant: string, line: readonly Charge[], session: string | null, usd: number, timeMs: number): void {
    const day = dayOf(timeMs);
    for (const [i, { agent }] of line.entries()) {
      const account = this.account(keyOf(tenant, agent), day);
      // What comes late counts in the day it was spent on, which nobody asks for any more.
      if (account.day === day) account.spentUsd += usd;
      if (i === 0) learn(account, usd);
      this.account(sessionKey(tenant, agent, session), day, session !== null).spentUsd += usd;
    }
  }

  /** The accounts that a call is held against, each with its limit. */
  private holdersOf(tenant: string, line: readonly Charge[], session: string | null, day: number): Held[] {
    const held: Held[] = [];
    for (const { agent, budgets } of line) {
      if (budgets.dayUsd !== null) {
        const account = this.account(keyOf(tenant, agent), day);
        held.push({ account, limitUsd: budgets.dayUsd, agent, of: 'day' });
      }
      if (budgets.sessionUsd !== null) {
        const account = this.account(sessionKey(tenant, agent, session), day, session !== null);
        held.push({ account, limitUsd: budgets.sessionUsd, agent, of: 'session' });
      }
    }
    return held;
  }

  /** The account, made where there is none; `lasting`: it goes on over midnight. */
  private account(key: string, day: number, lasting = false): Account {
    const known = this.accounts.get(key);
    if (known !== undefined) {
      if (day > known.day) {
        known.day = day;
        if (!lasting) known.spentUsd = 0;
      }
      return known;
    }
    const account = { day, spentUsd: 0, reservedMicro: 0, usualUsd: 0, calls: 0 };
    this.accounts.set(key, account);
    return account;
  }

  private lapse(nowMs: number): void {
    const { lapsing } = this;
    while (this.first < lapsing.length) {
      const reservation = this.open.get(lapsing[this.first]);
      // Settled ones stand among them until their time comes.
      if (reservation !== undefined && reservation.expiresMs > nowMs) break;
      if (reservation !== undefined) this.release(reservation);
      this.first += 1;
    }
    // What was settled leaves as well once it is more than what is open.
    if (lapsing.length < 2 * this.open.size + LAPSED_MIN) return;
    this.lapsing = lapsing.filter((id) => this.open.has(id));
    this.first = 0;
  }

  private release({ id, accounts, micro }: Reservation): void {
    this.open.delete(id);
    for (const account of accounts) account.reservedMicro -= micro;
  }
}

interface Tight {
  readonly leftUsd: number;
  readonly held: Held | null;
}

function narrowest(held: readonly Held[], day: number): Tight {
  let tight: Tight = { leftUsd: Number.POSITIVE_INFINITY, held: null };
  for (const one of held) {
    const { account, limitUsd } = one;
    if (account.day < day) continue;
    const leftUsd = limitUsd - account.spentUsd - account.reservedMicro / MICRO;
    if (leftUsd < tight.leftUsd) tight = { leftUsd, held: one };
  }
  return tight;
}

function refusal(amountUsd: number, leftUsd: number, reason: string): Reserved {
  return { id: null, amountUsd, remainingUsd: Math.max(0, leftUsd), expiresMs: 0, reason };
}

function wordsOf({ leftUsd, held }: Tight, amountUsd: number): string {
  const name = held === null ? 'the budget' : `${held.agent}'s budget of the ${held.of}`;
  const limit = held?.limitUsd ?? 0;
  if (leftUsd <= 0) return `${name}, ${usd(limit)}, is used up or reserved`;
  return `${name}, ${usd(limit)}, has ${usd(leftUsd)} left, and the call may cost ${usd(amountUsd)}`;
}

function usd(amount: number): string {
  return `$${amount.toFixed(amount < 0.1 ? 6 : 2)}`;
}

/** Mean of the first calls, then one that fades: no list of them is kept. */
function learn(account: Account, costUsd: number): void {
  account.calls = Math.min(USUAL_OF, account.calls + 1);
  account.usualUsd += (costUsd - account.usualUsd) / account.calls;
}

function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

function keyOf(tenant: string, agent: string): string {
  return tenant + SEPARATOR + agent;
}

function sessionKey(tenant: string, agent: string, session: string | null): string {
  return keyOf(tenant, agent) + SEPARATOR + (session ?? UNNAMED);
}
