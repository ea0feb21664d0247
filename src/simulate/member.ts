/** One simulated agent: what its role leaves open, drawn once from the seed. */
import { createRandom, type Random } from '../math/random.js';
import { fillTemplate } from './names.js';
import { parseSteps, type Role, type Step, type Targets, type Tool } from './role.js';
import { ROSTER } from './roster.js';
import { DAY_MS } from './wire.js';

/** A task that the agent does from some day on. */
export interface Duty {
  readonly name: string;
  readonly weight: number;
  readonly steps: readonly Step[];
  readonly fromMs: number;
}

/** One agent of a fleet. */
export interface Member {
  readonly name: string;
  readonly role: Role;
  /** null: makes no model calls. */
  readonly model: string | null;
  /** Local time minus UTC. */
  readonly zoneHours: number;
  /** Mean over a week. */
  readonly sessionsPerDay: number;
  /** Gamma shape of an hour's rate: the smaller, the burstier. */
  readonly hourShape: number;
  /** Own factor on the role's prompt length. */
  readonly promptScale: number;
  readonly duties: readonly Duty[];
  /** Names that the agent keeps using, by template. */
  readonly pools: ReadonlyMap<string, readonly string[]>;
  /** A new version of the agent comes out this often. */
  readonly releaseEveryMs: number;
  readonly firstReleaseMs: number;
  /** Hash of the agent's credential. */
  readonly credential: string;
  /** Where it runs. */
  readonly source: string;
}

/** Of the tasks after a role's first, how many an agent takes up only during the recording. */
const LATE_DUTY_SHARE = 0.2;

/** What a fleet is drawn from. */
export interface FleetSize {
  readonly seed: number;
  readonly agents: number;
  readonly days: number;
  readonly startMs: number;
}

/** The agents of a fleet, staffed along the roster. The same agent is the same in every larger fleet of the seed. */
export function drawFleet(size: FleetSize): Member[] {
  const counts = new Map<string, number>();
  return Array.from({ length: size.agents }, (_, at) => {
    const role = ROSTER[at % ROSTER.length];
    const count = (counts.get(role.prefix) ?? 0) + 1;
    counts.set(role.prefix, count);
    return drawMember(size, role, `${role.prefix}-${count}`);
  });
}

function drawMember(size: FleetSize, role: Role, name: string): Member {
  const random = createRandom(`${size.seed}/${name}`);
  const [least, most] = role.sessionsPerDay;
  return {
    name,
    role,
    model: role.models.length === 0 ? null : random.pick(role.models),
    zoneHours: random.pick([-5, 0, 0, 1, 1, 2]),
    sessionsPerDay: random.between(least, most),
    hourShape: role.rhythm === 'bursts' ? random.between(0.5, 1) : random.between(2, 6),
    promptScale: random.logNormal(1, 0.15),
    duties: drawDuties(size, role, random),
    pools: drawPools(size, role, random),
    releaseEveryMs: random.between(4, 12) * DAY_MS,
    firstReleaseMs: size.startMs - random.between(0, 12) * DAY_MS,
    credential: `sha256:${hexOf(random, 4)}`,
    source: `10.${random.below(40)}.${random.below(256)}.${1 + random.below(250)}`,
  };
}

function drawDuties(size: FleetSize, role: Role, random: Random): Duty[] {
  return role.tasks.map((task, at) => {
    const late = at > 0 && random.next() < LATE_DUTY_SHARE;
    const fromMs = late ? size.startMs + Math.round(random.between(0.3, 1) * size.days * DAY_MS) : size.startMs;
    return { name: task.name, weight: task.weight, steps: parseSteps(task.steps), fromMs };
  });
}

function drawPools(size: FleetSize, role: Role, random: Random): Map<string, readonly string[]> {
  const pools = new Map<string, readonly string[]>();
  for (const { targets } of role.tools) {
    if (targets.kind !== 'own' && targets.kind !== 'shared') continue;
    if (pools.has(targets.template)) continue;
    // A shared pool depends on the role alone, so that colleagues reach the same hosts.
    const from = targets.kind === 'own' ? random : createRandom(`${size.seed}/${role.name}/${targets.template}`);
    pools.set(
      targets.template,
      Array.from({ length: targets.count }, () => fillTemplate(targets.template, from)),
    );
  }
  return pools;
}

/** Hexadecimal digits, eight a word. */
export function hexOf(random: Random, words: number): string {
  let digits = '';
  for (let word = 0; word < words; word++) digits += random.uint32().toString(16).padStart(8, '0');
  return digits;
}

/** Version of the agent's own code at this time. */
export function versionAt(member: Member, timeMs: number): string {
  return `1.${Math.floor((timeMs - member.firstReleaseMs) / member.releaseEveryMs)}.0`;
}

/** Whom or what a call reaches; `cases` holds the session's own. */
export function drawTarget(
  member: Member,
  targets: Targets,
  cases: Map<string, string>,
  random: Random,
): string | null {
  switch (targets.kind) {
    case 'none':
      return null;
    case 'fixed':
      return random.pick(targets.names);
    case 'case': {
      const known = cases.get(targets.template) ?? fillTemplate(targets.template, random);
      cases.set(targets.template, known);
      return known;
    }
    case 'own':
    case 'shared': {
      if (targets.kind === 'own' && random.next() < targets.freshShare) return fillTemplate(targets.template, random);
      const pool = member.pools.get(targets.template) ?? [];
      // The square favours the front of the pool: a few names make most of the calls.
      const place = random.next();
      return pool[Math.floor(pool.length * place * place)] ?? null;
    }
  }
}

/** The role's tool of this name; throws a RangeError where a task names one that the role lacks. */
export function toolOf(member: Member, name: string): Tool {
  const found = member.role.tools.find((tool) => tool.name === name);
  if (found === undefined) throw new RangeError(`role ${member.role.name} has no tool ${name}`);
  return found;
}
