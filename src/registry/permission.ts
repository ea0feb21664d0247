/**
 * What an agent is held to: its own registration, that of everybody above it, and every permission of the policy that is
 * about any of them, in the order in which they are judged. A child never holds more than those it works for.
 */
import { OpenHours } from '../decide/hours.js';
import { type Allowance, isAbout, type Permission, type Subject, subjectOf } from '../decide/intent.js';
import { Patterns } from '../decide/pattern.js';
import type { Policy } from '../decide/policy.js';
import { trustOf } from '../decide/trust.js';
import type { ApprovalLimit, DelegationLimit, Holder, HoursLimit, Limit, NameLimit } from './limit.js';
import type { DelegationLimits, RegistryEntry } from './registry.js';

/** One of a line: the acting agent, and every name above it, whether an agent that is known bears it or not. */
export interface Member {
  readonly agent: string;
  readonly entry: RegistryEntry | null;
  /** The registered agent by whose name it counts as registered; null: nobody vouches for it. */
  readonly vouched: RegistryEntry | null;
}

/** A permission, compiled once for all agents that it is about. */
export interface CompiledPermission {
  readonly permission: Permission;
  readonly agents: Patterns;
  readonly holder: Holder;
  readonly names: readonly NameLimit[];
  readonly hours: HoursLimit | null;
  readonly approvals: readonly ApprovalLimit[];
}

const PARTS = [
  ['operations', 'operation'],
  ['endpoints', 'endpoint'],
  ['targets', 'target'],
  ['dataClasses', 'data-class'],
] as const;

/** Where nothing else is said: an agent under `restrict` may think, and not act. */
const THINKING = ['chat', 'embeddings', 'retrieval'];

/** Compiles the permissions of a policy. */
export function compilePermissions(policy: Policy | null): readonly CompiledPermission[] {
  return (policy?.permissions ?? []).map((permission) => {
    const { name, mode, allow } = permission;
    const holder: Holder = { words: `the permission ${name} allows`, rule: name, mode };
    return {
      permission,
      holder,
      agents: new Patterns(permission.who.agents),
      names: nameLimits(allow, holder),
      hours:
        allow.hours === null ? null : { ...holder, part: 'hours', denial: 'hours', hours: new OpenHours(allow.hours) },
      approvals: permission.approvals.map((asks): ApprovalLimit => {
        const patterns = (list: readonly string[] | null) => (list === null ? null : new Patterns(list));
        return {
          ...{ ...holder, words: `the permission ${name} asks for it`, part: 'approval', denial: 'approval', asks },
          name: `${name}/${asks.name}`,
          operations: patterns(asks.operations),
          endpoints: patterns(asks.endpoints),
          targets: patterns(asks.targets),
          dataClasses: patterns(asks.dataClasses),
        };
      }),
    };
  });
}

function nameLimits(allow: Allowance, holder: Holder): NameLimit[] {
  return PARTS.flatMap(([member, part]) => {
    const list = allow[member];
    return list === null ? [] : [{ ...holder, part, denial: part, patterns: new Patterns(list) }];
  });
}

/**
 * All limits of the acting agent, which is the first of the line, in the order in which they are judged: names that
 * registrations allow, names that permissions allow, hours, delegation, approvals. `isLowered`: its trust is L0 now.
 */
export function limitsOf(
  line: readonly Member[],
  permissions: readonly CompiledPermission[],
  isLowered: boolean,
): Limit[] {
  const own = line.flatMap(({ entry }) =>
    entry === null ? [] : nameLimits(entry.registration, registrationOf(entry)),
  );
  const delegation = line.flatMap(({ entry }, index) =>
    entry === null
      ? []
      : delegationLimit(entry.registration.delegation, stepsAbove(line, index), registrationOf(entry)),
  );
  const names: NameLimit[] = [];
  const hours: HoursLimit[] = [];
  const approvals: ApprovalLimit[] = [];
  for (const compiled of permissions) {
    const nearest = nearestOf(line, compiled, isLowered);
    if (nearest < 0) continue;
    // Of an agent that is below this trust because something lowered it, trust is what the call falls short of.
    const isByTrust = isLowered && nearestOf(line, compiled, false) < 0;
    names.push(...compiled.names.map((limit) => (isByTrust ? { ...limit, denial: 'trust' as const } : limit)));
    if (compiled.hours !== null) hours.push(compiled.hours);
    const steps = stepsAbove(line, farthestOf(line, compiled, isLowered));
    delegation.push(...delegationLimit(compiled.permission.delegation, steps, compiled.holder));
    approvals.push(...compiled.approvals);
  }
  return [...own, ...names, ...hours, ...delegation, ...approvals];
}

function registrationOf({ agent }: RegistryEntry): Holder {
  return { words: `${agent} is registered for`, rule: null, mode: null };
}

/** How far below the one at `index` a sub-agent of the acting agent would stand; a name that nobody bears is no step. */
function stepsAbove(line: readonly Member[], index: number): number {
  return 1 + line.slice(0, index).filter(({ entry }, at) => at === 0 || entry !== null).length;
}

function delegationLimit(limits: DelegationLimits | null, steps: number, holder: Holder): DelegationLimit[] {
  if (limits === null) return [];
  const { depthMax, breadthMax, agents } = limits;
  if (depthMax === null && breadthMax === null && agents === null) return [];
  const patterns = agents === null ? null : new Patterns(agents);
  return [{ ...holder, part: 'delegation', denial: 'delegation', steps, depthMax, breadthMax, agents: patterns }];
}

function nearestOf(line: readonly Member[], compiled: CompiledPermission, isLowered: boolean): number {
  return line.findIndex((member, index) => isAboutMember(compiled, member, isLowered && index === 0));
}

/** The one above all: depth is counted from there, so that a child's own part in it gives no depth of its own. */
function farthestOf(line: readonly Member[], compiled: CompiledPermission, isLowered: boolean): number {
  return line.findLastIndex((member, index) => isAboutMember(compiled, member, isLowered && index === 0));
}

function isAboutMember({ permission, agents }: CompiledPermission, member: Member, isLowered: boolean): boolean {
  return isAbout(permission.who, subject(member, isLowered), agents);
}

function subject({ agent, entry, vouched }: Member, isLowered: boolean): Subject {
  const described =
    entry === null ? { agent, role: null, labels: [], environment: null, trust: 'L0' as const } : subjectOf(entry);
  if (isLowered) return { ...described, trust: 'L0' };
  if (entry?.registered === true || vouched === null) return described;
  return { ...described, trust: trustOf(true, vouched.registration.trust) };
}

/** What the acting agent may still do under `restrict`. */
export function restrictedLimits(line: readonly Member[], policy: Policy | null): Limit[] {
  const holder = (words: string): Holder => ({ words, rule: null, mode: null });
  if (policy?.restricted !== undefined) {
    return asRestricted(nameLimits(policy.restricted, holder(`the policy ${policy.name} leaves a restricted agent`)));
  }
  const own = line.find(({ entry }) => entry !== null && entry.registration.endpoints !== null)?.entry;
  const none = { operations: null, endpoints: null, targets: null, dataClasses: null };
  if (own?.registration.endpoints != null) {
    const words = `a restricted agent keeps what ${own.agent} is registered for,`;
    return asRestricted(nameLimits({ ...none, endpoints: own.registration.endpoints }, holder(words)));
  }
  return asRestricted(nameLimits({ ...none, operations: THINKING }, holder('a restricted agent keeps')));
}

function asRestricted(limits: readonly NameLimit[]): Limit[] {
  return limits.map((limit) => ({ ...limit, denial: 'restricted' }));
}
