/**
 * What an injection is: a stream of events beside an agent's ordinary ones, a condition of the world, or both, and
 * how it is labelled. Streams can be opened any number of times and say the same each time: once for the labels,
 * once for the recording.
 */
import { createRandom, type Random } from '../../math/random.js';
import type { Item } from '../agenda.js';
import type { Conditions, Span } from '../conditions.js';
import type { Member } from '../member.js';
import type { Role, Tool } from '../role.js';
import { openThread, type World, workSession } from '../session.js';

/** Kinds as labels name them; 'negative:' must not be paged about. */
export const INJECTION_KINDS = [
  'rate-burst-x10',
  'retry-loop',
  'new-endpoint-set',
  'privilege-creep',
  'cost-creep-2pct-per-hour',
  'budget-blowup',
  'dormant-wakes',
  'shared-credential',
  'sub-agent-fan-out',
  'slow-exfiltration',
  'hijack',
  'negative:provider-outage',
  'negative:new-tool-rollout',
  'negative:weekly-batch',
] as const;
export type InjectionKind = (typeof INJECTION_KINDS)[number];

/** Where and when an injection is asked for. */
export interface Scene {
  readonly fleet: readonly Member[];
  /** Who is attacked or fails; for a provider outage any. */
  readonly member: Member;
  /** The injection begins here. */
  readonly fromMs: number;
  readonly startMs: number;
  readonly trainUntilMs: number;
  readonly endMs: number;
  /** Seed of this injection alone. */
  readonly seed: string;
  /** Of a retry loop; null: drawn. */
  readonly pace: 'storm' | 'steady' | null;
}

/** One label and what makes it true. */
export interface Plan {
  /** null: every agent. */
  readonly agent: string | null;
  /** What was injected, in words: the label's source. */
  readonly source: string;
  readonly conditions?: Partial<Conditions>;
  readonly stream?: (world: World) => Iterator<Item>;
  /** The label's window; without one it is that of the stream's injected calls. */
  readonly window?: Span;
}

/** null: this agent cannot play the part. */
export type Inject = (scene: Scene) => Plan[] | null;

/** Draws of the plan itself; what the stream draws comes from the seeds of its sessions. */
export const planRandom = (scene: Scene): Random => createRandom(`${scene.seed}/plan`);

/** Whole ordinary sessions at the given times under the agent's name, all of them injected. */
export function* extraSessions(
  scene: Scene,
  world: World,
  starts: readonly number[],
  other: { readonly habits?: Member; readonly source?: string } = {},
): Generator<Item, void, undefined> {
  for (const [at, timeMs] of starts.entries()) {
    const thread = openThread(
      world,
      { identity: scene.member, injected: true, ...other },
      timeMs,
      `${scene.seed}/${at}`,
    );
    yield { timeMs, open: workSession(thread) };
  }
}

/** Tools that carry something out of the house or change it, most telling first. */
const SENDERS = ['payment.send', 'mail.send', 'git.push', 'bucket.upload', 'ssh.run', 'crm.update', 'web.fetch'];

/** The role's tool that an attacker would send with; null: it has none. */
export function senderOf(role: Role): Tool | null {
  for (const name of SENDERS) {
    const found = role.tools.find((tool) => tool.name === name);
    if (found !== undefined) return found;
  }
  return null;
}

/** A target of the tool's own form that lies outside the house and that nobody has used. */
export function outsideTargetOf(tool: Tool, random: Random): string {
  const template = 'template' in tool.targets ? tool.targets.template : '';
  const digits = String(10000 + random.below(90000));
  if (template.includes('@')) return `drop.${digits}@parcel-box.example`;
  if (template.startsWith('account/')) return `account/unlisted-${digits}`;
  if (template.startsWith('repo/')) return `repo/outside-${digits}`;
  return `dl-${digits}.files.example`;
}
