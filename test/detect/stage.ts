/** A single agent on stage: events go the way that the engine sends them, one detector after another within reach. */
import { F } from '../../src/agent/layout.js';
import type { Observation, Readings } from '../../src/agent/observation.js';
import { countCost } from '../../src/detect/cost.js';
import type { WindowPrior } from '../../src/detect/counts.js';
import type { Detector } from '../../src/detect/detector.js';
import { countRun } from '../../src/detect/errors.js';
import { advanceWindows, enterSession, lookUp, noteNovel, sessionHash } from '../../src/engine/observe.js';
import { createOutcome } from '../../src/engine/outcome.js';
import { seat, takeModel, turnDays } from '../../src/engine/residence.js';
import { learnEvent } from '../../src/engine/scoring.js';
import { EngineState } from '../../src/engine/state.js';
import type { AgentEvent } from '../../src/event/event.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { ListShelf, settingsOf } from '../engine/world.js';

export type CreateCatalogue = (prior: WindowPrior) => readonly Detector[];

export class Stage {
  readonly state = new EngineState(settingsOf(), 'stage', neutralModel(), { partition: 0, epoch: 0 }, new ListShelf());
  readonly prior: WindowPrior;
  private readonly create: CreateCatalogue;
  private readonly renew: boolean;
  private catalogue: readonly Detector[];

  /** `renew`: a new catalogue for every event, so that whatever a detector kept to itself is lost. */
  constructor(create: CreateCatalogue, renew = false) {
    this.create = create;
    this.renew = renew;
    this.prior = this.state.prior;
    this.catalogue = create(this.prior);
  }

  get observation(): Observation {
    return this.state.observation;
  }

  get readings(): Readings {
    return this.state.readings;
  }

  /** Counts, scores and learns one event; the readings stand afterwards. */
  play(event: AgentEvent): Readings {
    const { state } = this;
    const { observation: o, settings } = state;
    if (this.renew) this.catalogue = this.create(this.prior);
    const outcome = createOutcome();
    const slot = seat(state, event.tenant, event.agent, true, event.timeMs);
    const p = o.profile;
    o.slot = slot;
    o.event = event;
    o.timeMs = Math.max(event.timeMs, p.f64[p.at8 + F.lastMs]);
    turnDays(state, slot, o.timeMs, outcome);
    takeModel(state, state.table.key(slot));
    o.failed = event.status === 'error' || event.status === 'denied';
    advanceWindows(o, o.timeMs);
    lookUp(o, event, settings.hashSeed, state.model);
    enterSession(state, slot, sessionHash(event.session, settings.hashSeed));
    noteNovel(o);
    countRun(o);
    countCost(o);
    for (const detector of this.catalogue) detector.count?.(o);
    for (const detector of this.catalogue) detector.score(o, state.readings);
    learnEvent(state, true, outcome);
    p.f64[p.at8 + F.lastMs] = o.timeMs;
    return state.readings;
  }

  /** The profile's bytes, copied. */
  bytes(): Uint8Array {
    return this.state.table.raw(this.observation.slot).slice();
  }
}
