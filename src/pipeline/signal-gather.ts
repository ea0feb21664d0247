/**
 * Signals of all partitions on their way to the fleet stage, joined turn by turn: a turn of the stage is everything that
 * the partitions said up to one tick, whatever order their lines were read in. A partition that says nothing holds the
 * others back, but not for ever: an outage must be told although an engine is down.
 */
import type { EdgeRecord, Signal } from '../engine/signal.js';
import { KilldeerError } from '../errors.js';

/** A partition that is so far behind the others is not waited for, ms of the ticks. */
const BEHIND_MAX_MS = 600_000;
/** Turns of one partition that wait for the others at most; beyond it the others are not waited for either. */
const TURNS_MAX = 4_096;

/** What one turn of the stage is made of. */
export interface Turn {
  readonly timeMs: number;
  readonly signals: readonly Signal[];
  readonly edges: readonly EdgeRecord[];
}

interface PartTurn {
  readonly timeMs: number;
  readonly signals: readonly Signal[];
}

/** What was read and not turned yet. */
export interface GatherJson {
  readonly open: readonly (readonly Signal[])[];
  readonly closed: readonly (readonly PartTurn[])[];
  readonly edges: readonly EdgeRecord[];
}

/** A line of `log:signals`. Throws 'log.corrupt': only this program writes there. */
export function decodeSignal(line: string, name: string): Signal | EdgeRecord {
  try {
    const value = JSON.parse(line) as Signal | EdgeRecord;
    if (value.type === 'signal' || value.type === 'turn' || value.type === 'edge') return value;
  } catch {
    // Told below with its place.
  }
  throw new KilldeerError('log.corrupt', `${name} is no signal`);
}

export class SignalGather {
  /** By partition: signals since its last turn, and turns that the stage did not take yet. */
  private readonly open: Signal[][];
  private readonly closed: PartTurn[][];
  private edges: EdgeRecord[];

  constructor(partitions: number, json?: GatherJson) {
    const each = <T>(saved: readonly (readonly T[])[] | undefined): T[][] =>
      Array.from({ length: partitions }, (_, i) => [...(saved?.[i] ?? [])]);
    this.open = each(json?.open);
    this.closed = each(json?.closed);
    this.edges = [...(json?.edges ?? [])];
  }

  take(line: Signal | EdgeRecord): void {
    if (line.type === 'edge') {
      this.edges.push(line);
      return;
    }
    const open = this.open[line.partition];
    if (open === undefined) return;
    open.push(line);
    if (line.type !== 'turn') return;
    this.closed[line.partition].push({ timeMs: line.timeMs, signals: open.splice(0) });
  }

  /** The next turn of the stage, once every partition has said what belongs to it; null: not yet. */
  next(): Turn | null {
    const heads = this.closed.flatMap(([head]) => head ?? []);
    if (heads.length === 0) return null;
    const timeMs = Math.min(...heads.map((head) => head.timeMs));
    const newestMs = Math.max(...this.closed.flatMap((turns) => turns.at(-1)?.timeMs ?? []));
    const mayWait = newestMs - timeMs < BEHIND_MAX_MS && this.closed.every((turns) => turns.length < TURNS_MAX);
    if (heads.length < this.closed.length && mayWait) return null;
    const signals: Signal[] = [];
    for (const turns of this.closed) {
      if (turns[0]?.timeMs === timeMs) signals.push(...(turns.shift() as PartTurn).signals);
    }
    const { edges } = this;
    this.edges = [];
    return { timeMs, signals, edges };
  }

  snapshot(): GatherJson {
    const { open, closed, edges } = this;
    return { open: open.map((one) => [...one]), closed: closed.map((one) => [...one]), edges: [...edges] };
  }
}
