/**
 * The fleet stage of a replay: fed by the one engine's signals and the recording's own edges, turned at every tick.
 * Its state is part of the replay's checkpoint, so that a recording cut anywhere says the same.
 */
import { type FleetJson, FleetStage } from '../engine/fleet.js';
import type { FleetRecord } from '../engine/fleet-record.js';
import type { EdgeRecord, Signal } from '../engine/signal.js';
import type { AgentEvent } from '../event/event.js';
import { Edges, type EdgesJson } from './edges.js';

export interface InlineFleetJson {
  readonly stage: FleetJson;
  readonly edges: EdgesJson;
  /** Edges and signals since the last turn. */
  readonly waiting: readonly EdgeRecord[];
  readonly signals: readonly Signal[];
}

export class InlineFleet {
  private readonly stage: FleetStage;
  private readonly edges: Edges;
  private waiting: EdgeRecord[];
  private signals: Signal[];

  /** @param seed of the hashes of edges */
  constructor(seed: number, json?: InlineFleetJson) {
    this.stage = new FleetStage(json?.stage);
    this.edges = new Edges(seed, undefined, json?.edges);
    this.waiting = [...(json?.waiting ?? [])];
    this.signals = [...(json?.signals ?? [])];
  }

  /** Notes what an event shows of the fleet; `nowMs` is the recording's clock. */
  note(event: AgentEvent, bound: boolean, nowMs: number): void {
    for (const line of this.edges.shown(event, bound, nowMs)) this.waiting.push(JSON.parse(line) as EdgeRecord);
  }

  /** Notes what a record led to. */
  gather(signals: readonly Signal[]): void {
    for (const signal of signals) this.signals.push(signal);
  }

  /** A tick has been executed: the records that follow from it, for the engine. */
  turn(timeMs: number): readonly FleetRecord[] {
    const { signals, waiting } = this;
    this.signals = [];
    this.waiting = [];
    return this.stage.turn(timeMs, signals, waiting);
  }

  snapshot(): InlineFleetJson {
    const { stage, edges, waiting, signals } = this;
    return { stage: stage.snapshot(), edges: edges.snapshot(), waiting: [...waiting], signals: [...signals] };
  }
}
