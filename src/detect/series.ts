/**
 * The series detector: how strange each value of one series of numbers is, in one pass, without looking ahead and with
 * the same parameters for every series. Pure, fixed memory (about 50 KB), a few microseconds a value.
 *
 * Five views of a value, each made comparable by tail laws of its own (tail-law.ts): its distance from the forecast, its
 * step from the value before, its place in the span of values so far, the distance of the moment (value, short means,
 * logarithms of short deviations) from the moments so far, and how calm the series has become. The strangest view is the
 * score.
 */
import { Forecasts, SPEAKERS } from './forecasts.js';
import { Prototypes } from './prototypes.js';
import { TailLaw } from './tail-law.js';

/** A score no higher than one of the last so many is an echo of it, and is halved. */
export const ECHO_VALUES = 60;

/** So much stranger than all of those is no echo. */
const NO_ECHO = 1.05;
/** p of 1e-10 and less scores 1. */
const NATS_MAX = 10 * Math.LN10;
const VIEWS = 5;
/** Tail laws: the first view has one for each forecast that may speak. */
const LAWS = VIEWS + SPEAKERS - 1;
/** Values beyond are taken as this, so that squares stay finite. */
const VALUE_MAX = 1e100;
/** Differences below are taken as none, for the same reason. */
const VALUE_MIN = 1e-150;
/** Memory, in values, of the short means and deviations and of what they are standardised by. */
const SHORT_MEMORIES = [4, 24] as const;
const SLOW_MEMORY = 3000;
/** Memory, in values, of the step of late, and how many times calmer than usual is as calm as can be. */
const LATE_STEPS = 16;
const CALM_MAX = 1000;
/** Part of the way to the level that the ends of the span go back with every value. */
const SPAN_RETURN = 1 / 5000;
/** Features of a moment: value, short means, ln of short deviations. */
const DIMS = 1 + 2 * SHORT_MEMORIES.length;
/** Deviations below this part of the size of the values are rounding. */
const ROUNDING = 1e-9;
/** Values that a moment needs before it, and before there is anything to compare it with. */
const MOMENT_LEAST = 24;
/** A moment is learned so many values later: what changes step by step must not be its own example. */
const DELAY_VALUES = 24;

/** The detector of one series. */
export class SeriesDetector {
  readonly #forecasts = new Forecasts();
  readonly #laws = Array.from({ length: LAWS }, () => new TailLaw());
  readonly #prototypes = new Prototypes(DIMS);
  readonly #raw = new Float64Array(VIEWS);
  readonly #moment = new Float64Array(DIMS);
  readonly #inverse = new Float64Array(DIMS);
  readonly #slowMean = new Float64Array(DIMS);
  readonly #slowSquare = new Float64Array(DIMS);
  readonly #shortMean = new Float64Array(SHORT_MEMORIES.length);
  readonly #shortSquare = new Float64Array(SHORT_MEMORIES.length);
  readonly #echoes = new Float64Array(ECHO_VALUES);
  readonly #delayed = new Float64Array(DELAY_VALUES * DIMS);
  #seen = 0;
  #previous = 0;
  /** Usual step from value to value. */
  #step = 0;
  /** The same of late. */
  #lateStep = 0;
  #low = 0;
  #high = 0;

  /**
   * Scores the value, then learns from it. `timeMs` is milliseconds since 1970, UTC, NaN where not known. The score is
   * -log10(p)/10 in [0, 1]: 0.3 is what at most one value in a thousand should reach; half of that for an echo (ECHO_VALUES). A
   * value that is not finite scores NaN and changes nothing.
   */
  score(timeMs: number, value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const v = Math.min(VALUE_MAX, Math.max(-VALUE_MAX, value));
    const floor = ROUNDING * Math.max(Math.abs(v), Math.abs(this.#previous)) + VALUE_MIN;
    this.#see(timeMs, v, floor);
    const nats = this.#judge();
    this.#learn(v);
    return this.#emit(nats);
  }

  /** Fills the raw scores of the views. */
  #see(timeMs: number, v: number, floor: number): void {
    const raw = this.#raw.fill(0);
    this.#forecasts.look(timeMs);
    if (this.#seen === 0) this.#begin(v);
    else this.#follow(v);
    this.#shape(v, floor);
    if (this.#seen < 2) return;
    raw[0] = this.#forecasts.strangeness(v, floor);
    raw[1] = Math.abs(v - this.#previous) / Math.max(this.#step, floor);
    const half = (this.#high - this.#low) / 2;
    raw[2] = Math.abs(v - this.#low - half) / Math.max(half, floor);
    if (this.#seen >= MOMENT_LEAST) raw[4] = this.#step / Math.max(this.#lateStep, this.#step / CALM_MAX, floor);
    if (this.#seen >= MOMENT_LEAST) raw[3] = this.#prototypes.score(this.#moment, this.#inverse);
  }

  #begin(v: number): void {
    this.#shortMean.fill(v);
    this.#low = v;
    this.#high = v;
    this.#previous = v;
  }

  #follow(v: number): void {
    this.#lateStep += (Math.abs(v - this.#previous) - this.#lateStep) / LATE_STEPS;
    for (let i = 0; i < SHORT_MEMORIES.length; i++) {
      const distance = v - this.#shortMean[i];
      const part = 1 / SHORT_MEMORIES[i];
      this.#shortMean[i] += part * distance;
      this.#shortSquare[i] += part * ((1 - part) * distance * distance - this.#shortSquare[i]);
    }
  }

  /** The moment, and what its features are standardised by. */
  #shape(v: number, floor: number): void {
    const moment = this.#moment;
    moment[0] = v;
    const usual = Math.sqrt(this.#slowSquare[0]);
    for (let i = 0; i < SHORT_MEMORIES.length; i++) {
      moment[1 + i] = this.#shortMean[i];
      // A hundredth of the usual deviation is as good as none: ln must not run off.
      const deviation = Math.sqrt(this.#shortSquare[i]) + 0.01 * usual + floor;
      moment[1 + SHORT_MEMORIES.length + i] = Math.log(deviation);
    }
    for (let f = 0; f < DIMS; f++) {
      const least = f <= SHORT_MEMORIES.length ? floor : 0.05;
      this.#inverse[f] = 1 / Math.max(Math.sqrt(this.#slowSquare[f]), least);
    }
  }

  #judge(): number {
    let nats = 0;
    for (let view = 0; view < VIEWS; view++) {
      if (this.#raw[view] > 0) nats = Math.max(nats, this.#law(view).score(this.#raw[view]));
    }
    // Several looks at one value: the least of their p-values counts as often (Bonferroni).
    return Math.max(0, nats - Math.log(VIEWS));
  }

  #law(view: number): TailLaw {
    return this.#laws[view === 0 ? this.#forecasts.speaker : view + SPEAKERS - 1];
  }

  #learn(v: number): void {
    if (this.#seen >= 2) for (let view = 0; view < 3; view++) this.#law(view).learn(this.#raw[view]);
    if (this.#seen >= MOMENT_LEAST) {
      this.#law(4).learn(this.#raw[4]);
      if (this.#seen >= 2 * MOMENT_LEAST + DELAY_VALUES) this.#law(3).learn(this.#raw[3]);
      const delayed = this.#delayed.subarray(
        (this.#seen % DELAY_VALUES) * DIMS,
        (this.#seen % DELAY_VALUES) * DIMS + DIMS,
      );
      if (this.#seen >= MOMENT_LEAST + DELAY_VALUES) this.#prototypes.learn(delayed, this.#inverse);
      delayed.set(this.#moment);
    }
    this.#forecasts.learn(v);
    this.#learnStep(Math.abs(v - this.#previous));
    this.#learnSpan(v);
    this.#learnMoment();
    this.#previous = v;
    this.#seen++;
  }

  #learnStep(step: number): void {
    const weight = Math.min(Math.max(1, this.#seen), 500);
    const believed = this.#seen < 30 || this.#step === 0 ? step : Math.min(step, 6 * this.#step);
    this.#step += (believed - this.#step) / weight;
  }

  #learnSpan(v: number): void {
    const level = this.#slowMean[0];
    if (this.#seen > 0) {
      this.#low += SPAN_RETURN * (level - this.#low);
      this.#high += SPAN_RETURN * (level - this.#high);
    }
    this.#low = Math.min(this.#low, v);
    this.#high = Math.max(this.#high, v);
  }

  #learnMoment(): void {
    const part = 1 / Math.min(this.#seen + 1, SLOW_MEMORY);
    for (let f = 0; f < DIMS; f++) {
      const distance = this.#moment[f] - this.#slowMean[f];
      this.#slowMean[f] += part * distance;
      this.#slowSquare[f] += part * ((1 - part) * distance * distance - this.#slowSquare[f]);
    }
  }

  #emit(nats: number): number {
    let recent = 0;
    for (let i = 0; i < ECHO_VALUES; i++) recent = Math.max(recent, this.#echoes[i]);
    this.#echoes[this.#seen % ECHO_VALUES] = nats;
    const told = nats > NO_ECHO * recent ? nats : nats / 2;
    return Math.min(1, told / NATS_MAX);
  }
}
