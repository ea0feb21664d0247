/**
 * Who is told beside the places that enforce: those who are paged, and the owners of agents. What is due follows from
 * the registry's log and from the findings; what was received follows from the log too. A place that is new is told of
 * nothing that happened before it was there.
 */
import { type Finding, isPage } from '../decide/finding.js';
import { Mailbox, type MailboxOptions } from './mailbox.js';
import type { Notice } from './notice.js';
import type { Draft } from './outbox.js';
import { OwnerPost } from './owner-post.js';
import type { AddresseeStatus } from './status.js';
import type { Change } from './wish-book.js';

/** A webhook that is paged, or tells owners. */
export interface Addressee extends Omit<MailboxOptions, 'told' | 'now' | 'draw' | 'onFault'> {
  readonly kind: 'pages' | 'notify';
  readonly perMinute: number;
  readonly wantsFinding: (finding: Finding) => boolean;
  readonly wantsNotice: (notice: Notice) => boolean;
}

export interface CourierOptions {
  readonly addressees: readonly Addressee[];
  readonly now: () => number;
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
}

/** Findings and notices that are remembered, newest, for a process that takes over. */
const RECENT_MAX = 2_000;
/** Keys that a place is known to have. */
const KEYS_MAX = 20_000;

/** What the log says of one place. */
interface Memory {
  /** When it was first told anything, registry clock, ms; null: never. */
  sinceMs: number | null;
  readonly keys: Set<string>;
}

export class Courier {
  private readonly memories = new Map<string, Memory>();
  private readonly findings = new Map<string, Finding>();
  private readonly notices = new Map<string, Notice>();
  private routes: readonly Route[] | null = null;

  constructor(private readonly options: CourierOptions) {
    for (const one of options.addressees) this.memories.set(placeOf(one), { sinceMs: null, keys: new Set() });
  }

  get wantsFindings(): boolean {
    return this.options.addressees.length > 0;
  }

  /** Whether owners are told anything. */
  get wantsOwners(): boolean {
    return this.options.addressees.some(({ kind }) => kind === 'notify');
  }

  /** To be told every change of the registry, from the first one of its log. */
  note({ record }: Change): void {
    if (record.type !== 'told') return;
    const memory = this.memories.get(record.place);
    if (memory === undefined) return;
    memory.sinceMs ??= record.timeMs;
    for (const key of record.keys) remember(memory.keys, key, KEYS_MAX);
  }

  /** Every finding's line, those of an earlier life too. */
  finding(finding: Finding): void {
    if (!isPage(finding.severity)) return;
    const key = keyOfPage(finding);
    if (this.findings.has(key)) return;
    this.findings.set(key, finding);
    forgetOldest(this.findings, RECENT_MAX);
    for (const route of this.routes ?? []) route.finding(key, finding);
  }

  notice(notice: Notice): void {
    this.notices.set(notice.key, notice);
    forgetOldest(this.notices, RECENT_MAX);
    for (const route of this.routes ?? []) route.notice(notice);
  }

  /** From here on this process delivers. `write` resolves once durable. */
  start(write: (draft: Draft) => Promise<unknown>): void {
    if (this.routes !== null) return;
    this.routes = this.options.addressees.map((one) => {
      const memory = this.memories.get(placeOf(one)) as Memory;
      return new Route(one, memory, this.options, write);
    });
    for (const route of this.routes) {
      for (const [key, finding] of this.findings) route.finding(key, finding);
      for (const notice of this.notices.values()) route.notice(notice);
    }
  }

  async stop(): Promise<void> {
    const routes = this.routes ?? [];
    this.routes = null;
    await Promise.all(routes.map((route) => route.stop()));
  }

  status(): readonly AddresseeStatus[] {
    return (this.routes ?? []).map((route) => route.status());
  }
}

/** The way to one addressee, while this process delivers. */
class Route {
  private readonly mailbox: Mailbox;
  private readonly owners: OwnerPost;
  /** Taken by this process; what is durable is in the memory. */
  private readonly taken = new Set<string>();
  private readonly sinceMs: number;

  constructor(
    private readonly one: Addressee,
    private readonly memory: Memory,
    options: CourierOptions,
    write: (draft: Draft) => Promise<unknown>,
  ) {
    const { now, draw, onFault } = options;
    const place = placeOf(one);
    const by = { actor: 'system', authority: `connector:${one.name}`, parent: null };
    const told: MailboxOptions['told'] = async (keys, state, reason) => {
      await write({ type: 'told', place, keys, state, reason, ...by });
    };
    this.mailbox = new Mailbox({ ...one, now, draw, onFault, told });
    this.owners = new OwnerPost(one.perMinute, now, (letter) => this.mailbox.add(letter));
    // What is older than a delivery is tried for is not begun with.
    this.sinceMs = Math.max(memory.sinceMs ?? now(), now() - one.giveUpAfterMs);
    if (memory.sinceMs === null) told([], 'sent', null).catch(onFault);
  }

  finding(key: string, finding: Finding): void {
    const timeMs = Date.parse(finding.time);
    if (this.one.kind !== 'pages' || !this.one.wantsFinding(finding) || !this.isNew(key, timeMs)) return;
    const text = `${finding.severity} ${finding.kind} of ${finding.agent}: ${finding.title}`;
    this.mailbox.add({ keys: [key], message: { key, type: 'page', timeMs, data: { text, finding } } });
  }

  notice(notice: Notice): void {
    if (this.one.kind !== 'notify' || !this.one.wantsNotice(notice) || !this.isNew(notice.key, notice.timeMs)) return;
    this.owners.add(notice);
  }

  status(): AddresseeStatus {
    const status = this.mailbox.status();
    return { ...status, name: this.one.name, kind: this.one.kind, backlog: status.backlog + this.owners.held };
  }

  async stop(): Promise<void> {
    this.owners.stop();
    await this.mailbox.stop();
  }

  private isNew(key: string, timeMs: number): boolean {
    if (timeMs < this.sinceMs || this.memory.keys.has(key) || this.taken.has(key)) return false;
    remember(this.taken, key, KEYS_MAX);
    return true;
  }
}

/** A webhook may be both, so the kind is part of the place. */
function placeOf({ name, kind }: Pick<Addressee, 'name' | 'kind'>): string {
  return `${name}:${kind}`;
}

/** A finding that becomes worse pages again. */
function keyOfPage({ id, severity }: Finding): string {
  return `page/${id}/${severity}`;
}

function remember(keys: Set<string>, key: string, most: number): void {
  keys.add(key);
  forgetOldest(keys, most);
}

function forgetOldest(kept: Set<string> | Map<string, unknown>, most: number): void {
  if (kept.size <= most) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
