/**
 * Room engine/: one partition's records in, an Outcome out. Pure: no clock but the records, no I/O, no randomness.
 * Everything that can change a score is a record, so the same snapshot and records give the same bytes, wherever the
 * stream is cut and resumed.
 */

import { DETECTOR_COUNT, DETECTORS, F } from '../agent/layout.js';
import { rootOf } from '../agent/lineage.js';
import { U } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { factsOf } from '../decide/propose.js';
import { countCost } from '../detect/cost.js';
import { isDelegation } from '../detect/counts.js';
import { countRun } from '../detect/errors.js';
import type { CohortModel } from '../detect/model.js';
import { scoreSilence } from '../detect/silence.js';
import type { AgentEvent } from '../event/event.js';
import { raiseBreach, raiseFlood, raiseScored, raiseSource } from './alarm.js';
import type { Engine, EngineCounts, Shelf } from './contract.js';
import { hashIdentity } from './dedupe.js';
import { endDeploy, noteVersion } from './deploy.js';
import { lookUpDeploy, takeFleet } from './fleet-alarm.js';
import { releasePages } from './fleet-hold.js';
import { inspectAgent } from './inspect.js';
import type { Inspection } from './inspection.js';
import { advanceWindows, enterSession, lookUp, noteNovel, sessionHash } from './observe.js';
import type { Outcome } from './outcome.js';
import type { AgentRecord, EngineRecord, EventRecord } from './record.js';
import { resetAgent } from './reset.js';
import { lookAfter, refreshAgent, seat, takeModel, turnDays } from './residence.js';
import { raiseResponder } from './responder.js';
import { learnEvent, listen, scoreEvent, surprises } from './scoring.js';
import type { Settings } from './settings.js';
import { restoreState, saveState } from './snapshot.js';
import { countStandings } from './standing.js';
import { EngineState, type Place } from './state.js';
import { watchStop } from './stops.js';
import { takeSuppression } from './suppressions.js';
import { takeVerdict, undoVerdict } from './verdicts.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const QUIET = 2;
const SILENCE = DETECTORS.indexOf('silence');
/** Events of unknown agents refused within an hour of the partition's time that make a flood. */
const FLOOD_EVENTS = 100;
/** No tick jump makes an engine look at more minutes than an hour has: each agent is looked at once. */
const MINUTES = 60;

/** What an engine is made with. */
export interface EngineOptions {
  readonly settings: Settings;
  /** Digest of the settings, carried by findings. */
  readonly config: string;
  readonly model: CohortModel;
  readonly place: Place;
  readonly shelf: Shelf;
  /** Model by version, for activation records; null where it is not known. */
  readonly models: (version: string) => CohortModel | null;
  /** Checks a configuration record's settings; null: refused, the settings in force stay. */
  readonly parseSettings: (settings: unknown) => { settings: Settings; config: string } | null;
}

/** The engine of one partition. */
export class PartitionEngine implements Engine {
  private readonly state: EngineState;
  private readonly options: EngineOptions;
  private readonly hash = new Uint32Array(2);

  constructor(options: EngineOptions, snapshot?: Uint8Array) {
    this.options = options;
    const { settings, config, model, place, shelf } = options;
    this.state = new EngineState(settings, config, model, place, shelf);
    if (snapshot !== undefined) restoreState(this.state, snapshot);
  }

  get counts(): Readonly<EngineCounts> {
    return this.state.counts;
  }

  /** For explain and for tests: the state as it stands; not to be changed. */
  get inside(): EngineState {
    return this.state;
  }

  step(record: EngineRecord, offset: number, outcome: Outcome): void {
    switch (record.type) {
      case 'event':
        this.onEvent(record, offset, outcome);
        return;
      case 'tick':
        this.onTick(record.timeMs, offset, outcome);
        return;
      case 'model': {
        const model = this.options.models(record.version);
        if (model !== null) this.activate(model);
        break;
      }
      case 'agent':
        this.onAgent(record, outcome);
        break;
      case 'reset':
        resetAgent(this.state, record);
        break;
      case 'config': {
        const parsed = this.options.parseSettings(record.settings);
        if (parsed !== null) this.state.adopt(parsed.settings, parsed.config);
        break;
      }
      case 'verdict':
        takeVerdict(this.state, record);
        break;
      case 'verdict-undo':
        undoVerdict(this.state, record);
        break;
      case 'suppress':
        takeSuppression(this.state, record);
        break;
      case 'suppress-undo':
        this.state.suppressions.drop(record.id);
        break;
      case 'source':
        raiseSource(this.state, record, offset, outcome);
        break;
      case 'responder':
        raiseResponder(this.state, record, offset, outcome);
        break;
      case 'fleet':
        takeFleet(this.state, record, offset, outcome);
        break;
    }
    this.state.counts.controls++;
  }

  /** Activates a model from here on; a replay with learning inline calls it at a tick. */
  activate(model: CohortModel): void {
    this.state.activate(model);
  }

  snapshot(): Uint8Array {
    return saveState(this.state);
  }

  inspect(tenant: string, agent: string): Inspection | null {
    return inspectAgent(this.state, tenant, agent);
  }

  get shelved(): number {
    return this.state.shelved.size;
  }

  moveShelved(move: (position: number) => number): void {
    const { shelved } = this.state;
    const moved = Array.from(shelved, ([key, position]) => [key, move(position)] as const);
    for (const [key, position] of moved) shelved.set(key, position);
  }

  private onEvent(record: EventRecord, offset: number, outcome: Outcome): void {
    const { state } = this;
    const { event, bound } = record;
    const { counts, observation: o } = state;
    counts.events++;
    const root = this.treeOf(event, bound);
    hashIdentity(event, bound, state.settings.hashSeed, this.hash);
    const [hi, lo] = this.hash;
    if (state.ids.has(hi, lo)) {
      counts.duplicates++;
      return;
    }
    state.missedLookMs = 0;
    const slot = seat(state, event.tenant, root, bound, event.timeMs);
    if (slot === -1) {
      counts.notAdmitted++;
      if (++state.refusedThisHour === FLOOD_EVENTS) raiseFlood(state, event, bound, offset, outcome);
      return;
    }
    // Only now: an event that was refused may be sent again.
    state.ids.add(hi, lo);
    this.sight(event, slot, root, outcome);
    const p = o.profile;
    o.slot = slot;
    o.event = event;
    // Late: the agent's windows have moved on. Judged by what needs no window; counted.
    const late = event.timeMs < p.f64[p.at8 + F.lastMs] - state.settings.latenessMs;
    o.timeMs = Math.max(event.timeMs, p.f64[p.at8 + F.lastMs]);
    state.table.touch(slot, o.timeMs);
    if (state.missedLookMs > 0) lookAfter(state, slot, state.missedLookMs, outcome);
    turnDays(state, slot, o.timeMs, outcome);
    if (p.u32[p.at4 + F.modelStamp] !== state.modelStamp) takeModel(state, state.table.key(slot));
    p.u32[p.at4 + F.flags] &= ~QUIET;
    noteVersion(o, event, bound && event.agent === root, state.settings.hashSeed);
    this.observe(event, slot, late);
    endDeploy(o, event);
    if (bound) state.pulse.note(o, event, state.table.entry(slot), state.model);
    const fused = scoreEvent(state, bound, outcome);
    state.fused = fused;
    if (fused < 1) raiseScored(state, fused, bound, offset, outcome);
    if (state.budgets.size > 0) {
      const breach = state.budgets.judge(state.table.key(slot), o);
      if (breach !== null) raiseBreach(state, breach, bound, offset, outcome);
    }
    if (state.stops.size > 0) watchStop(state, event, root, bound, offset, outcome);
    learnEvent(state, bound, outcome);
    p.f64[p.at8 + F.lastMs] = o.timeMs;
    p.f64[p.at8 + F.events]++;
    counts.scored++;
    if (late) counts.late++;
  }

  /**
   * The agent whose profile an event belongs to. A prefix that agent and parent merely share ('crew' of 'crew/planner'
   * and 'crew/writer') is a root only where an agent of that name is known; else it is a namespace.
   */
  private treeOf(event: AgentEvent, bound: boolean): string {
    const root = rootOf(event.agent, event.parent);
    if (root === event.agent || root === event.parent) return root;
    const { table, shelved } = this.state;
    const known = table.find(event.tenant, root, bound) !== -1 || shelved.has(agentKey(event.tenant, root, bound));
    return known ? root : event.agent;
  }

  /** Counts come before scores: what is tested includes the event itself. */
  private observe(event: AgentEvent, slot: number, late: boolean): void {
    const { state } = this;
    const { observation: o, settings } = state;
    o.isLate = late;
    o.failed = event.status === 'error' || event.status === 'denied';
    advanceWindows(o, o.timeMs);
    lookUp(o, event, settings.hashSeed, state.model);
    if (state.fleet.hasDeploys) lookUpDeploy(state);
    enterSession(state, slot, sessionHash(event.session, settings.hashSeed));
    noteNovel(o);
    if (isDelegation(event)) o.s32[o.s4at + U.spawns]++;
    countRun(o);
    countCost(o);
    if (!late) for (const detector of state.catalogue) detector.count?.(o);
  }

  /** Reports an acting agent to the inventory when it, or its version, is new. */
  private sight(event: AgentEvent, slot: number, root: string, outcome: Outcome): void {
    if (!this.state.sighted.note(event, slot, event.agent === root)) return;
    const { tenant, agent, version, timeMs, parent } = event;
    outcome.sightings.push({ tenant, agent, agentVersion: version, timeMs, parent });
  }

  private onTick(timeMs: number, offset: number, outcome: Outcome): void {
    const { state } = this;
    state.counts.ticks++;
    if (timeMs <= state.nowMs) return;
    const from = Math.floor(state.nowMs / MINUTE_MS);
    const to = Math.floor(timeMs / MINUTE_MS);
    const hour = Math.floor(timeMs / HOUR_MS) !== Math.floor(state.nowMs / HOUR_MS);
    state.nowMs = timeMs;
    state.ids.advance(timeMs);
    state.verdicts.expire(timeMs);
    state.suppressions.expire(timeMs);
    releasePages(state, timeMs, offset, outcome);
    state.pulse.emit(state.place.partition, timeMs, outcome);
    for (let minute = Math.max(from + 1, to - MINUTES + 1); minute <= to; minute++) {
      for (const slot of state.table.due(minute)) this.look(slot, minute * MINUTE_MS, offset, outcome);
    }
    if (!hour) return;
    state.findings.sweep(timeMs);
    state.table.ageDoor();
    state.refusedThisHour = 0;
    countStandings(state);
  }

  /** Once an hour for every agent: close its days and its idle sessions, and listen for silence. */
  private look(slot: number, timeMs: number, offset: number, outcome: Outcome): void {
    const { state } = this;
    const { observation: o, table } = state;
    table.aim(o.profile, slot);
    const p = o.profile;
    o.slot = slot;
    o.event = null;
    o.timeMs = timeMs;
    o.opensSession = false;
    if (timeMs < p.f64[p.at8 + F.lastMs]) return;
    lookAfter(state, slot, timeMs, outcome);
    surprises.fill(0);
    scoreSilence(o, state.readings);
    if ((p.u32[p.at4 + F.flags] & QUIET) !== 0 || !listen(state, SILENCE)) return;
    const quiet = Math.exp(-surprises[SILENCE]);
    if (quiet > state.settings.noticesPerAgentDay / DETECTOR_COUNT) return;
    p.u32[p.at4 + F.flags] |= QUIET;
    raiseScored(state, quiet, table.entry(slot).bound, offset, outcome);
  }

  private onAgent(record: AgentRecord, outcome: Outcome): void {
    const key = agentKey(record.tenant, record.agent, true);
    const before = this.state.facts.get(key)?.role ?? null;
    if (record.role !== before) refreshAgent(this.state, record.tenant, record.agent);
    const facts = factsOf(record);
    if (facts === null) this.state.facts.delete(key);
    else this.state.facts.set(key, facts);
    this.state.budgets.set(key, record.budgets);
    this.state.stops.note(record);
    outcome.samples.push({ kind: 'role', timeMs: record.timeMs, agent: key, id: '', role: record.role });
  }
}
