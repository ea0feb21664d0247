/** Feeds an engine as its partition would: a tick for each minute of event time, then the event. */
import { clearOutcome, createOutcome } from '../dist/engine/outcome.js';

const MINUTE_MS = 60_000;

export class Feed {
  constructor(engine) {
    this.engine = engine;
    this.outcome = createOutcome();
    this.minute = 0;
    this.offset = 0;
  }

  take(events) {
    for (const event of events) this.step(event);
  }

  step(event) {
    const { engine, outcome } = this;
    const minute = Math.floor(event.timeMs / MINUTE_MS);
    if (this.minute === 0) this.minute = minute - 1;
    while (this.minute < minute) {
      this.minute++;
      engine.step({ type: 'tick', timeMs: this.minute * MINUTE_MS }, this.offset, outcome);
    }
    engine.step({ type: 'event', event, bound: true }, this.offset++, outcome);
    clearOutcome(outcome);
  }
}
