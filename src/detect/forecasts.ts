/**
 * What the next value of a series should be: its level of late, or that and what is usual at this time of day, or of
 * the week; whichever has lately been nearest speaks. Pure, fixed memory.
 *
 * Days and weeks are those of UTC and the only use that is made of time, so values may come late, twice or out of order.
 */

/** Places in a day (quarters of an hour) and in a week (hours): length and number. */
const DAY_PLACES = { ms: 900_000, count: 96 } as const;
const WEEK_PLACES = { ms: 3_600_000, count: 168 } as const;
/** How many values the running level, the overall level, the levels of places and the errors remember. */
const LEVEL_MEMORY = 12;
const OVERALL_MEMORY = 2000;
const PLACE_MEMORY = 60;
const ERROR_MEMORY = 500;
/** Values that the level above counts for in a place's level: the overall one for a day, the day's for a week. */
const SHRINK_WEIGHT = 1;
/** Values that a place must have, and forecasts that a season must have made, before it may speak. */
const PLACE_LEAST = 3;
const SPEAKS_LEAST = 48;
/** An error counts as at most so many usual ones, after the first few: one spike must not blind the scale. */
const ERROR_CLAMP = 6;
const ERROR_FREE = 30;
/** A season must forecast this much better than the level alone. */
const BETTER = 0.9;

/** A mean of the last values, older ones fading; the first `memory` count alike. */
class Fading {
  value = 0;
  weight = 0;
  readonly #memory: number;

  constructor(memory: number) {
    this.#memory = memory;
  }

  learn(value: number): void {
    if (this.weight < this.#memory) this.weight++;
    this.value += (value - this.value) / this.weight;
  }
}

/** A forecast from `low` to `high`, with its usual error: the mean distance from it. */
class Forecast {
  readonly error = new Fading(ERROR_MEMORY);
  low = 0;
  high = 0;

  distance(value: number): number {
    return value < this.low ? this.low - value : value > this.high ? value - this.high : 0;
  }

  learn(value: number): void {
    const { error } = this;
    const missed = this.distance(value);
    const most = ERROR_CLAMP * error.value;
    // Of a series that never moved every error is far out; it must be believed in the end.
    error.learn(error.weight < ERROR_FREE || error.value === 0 || missed < most ? missed : most);
  }
}

/** What is usual at the places of a period, and how far the series stands from that of late. */
class Season {
  readonly forecast = new Forecast();
  /** Usual level at the place last looked at. */
  level = 0;
  known = false;
  readonly #levels: readonly Fading[];
  readonly #ms: number;
  readonly #offset = new Fading(LEVEL_MEMORY);
  #place = Number.NaN;

  constructor({ ms, count }: { readonly ms: number; readonly count: number }) {
    this.#ms = ms;
    this.#levels = Array.from({ length: count }, () => new Fading(PLACE_MEMORY));
  }

  /** Readies level and forecast; `towards` is the level that a place of few values is drawn to. */
  look(timeMs: number, towards: number): void {
    const { length } = this.#levels;
    const place = Math.floor(timeMs / this.#ms) % length;
    this.#place = place < 0 ? place + length : place;
    this.known = !Number.isNaN(place) && this.#levels[this.#place].weight >= PLACE_LEAST;
    this.level = Number.isNaN(place) ? towards : shrunk(this.#levels[this.#place], towards);
    if (!this.known) return;
    // Steps of a day seldom fall on the quarter: what is usual a place earlier or later is no surprise here.
    const before = this.#near(this.#place + length - 1);
    const after = this.#near(this.#place + 1);
    this.forecast.low = Math.min(before, this.level, after) + this.#offset.value;
    this.forecast.high = Math.max(before, this.level, after) + this.#offset.value;
  }

  learn(value: number): void {
    if (Number.isNaN(this.#place)) return;
    if (this.known) {
      this.forecast.learn(value);
      const { low, high } = this.forecast;
      const { value: offset } = this.#offset;
      // Between what is usual before and after, the series stands where it should.
      this.#offset.learn(value < low ? value - low + offset : value > high ? value - high + offset : offset);
    }
    this.#levels[this.#place].learn(value);
  }

  #near(place: number): number {
    const near = this.#levels[place % this.#levels.length];
    return near.weight >= PLACE_LEAST ? near.value : this.level;
  }
}

/** How many ways of forecasting there are. */
export const SPEAKERS = 3;

/** Forecasts of a series, one value ahead. */
export class Forecasts {
  readonly #level = new Fading(LEVEL_MEMORY);
  readonly #overall = new Fading(OVERALL_MEMORY);
  readonly #flat = new Forecast();
  readonly #day = new Season(DAY_PLACES);
  readonly #week = new Season(WEEK_PLACES);
  readonly #all = [this.#flat, this.#day.forecast, this.#week.forecast] as const;
  /** Which forecast speaks for the time last looked at, from 0 to SPEAKERS - 1; each has errors of its own kind. */
  speaker = 0;

  /** Readies the forecasts for a time in milliseconds since 1970, UTC; NaN where it is not known. */
  look(timeMs: number): void {
    this.#flat.low = this.#level.value;
    this.#flat.high = this.#level.value;
    this.#day.look(timeMs, this.#overall.value);
    this.#week.look(timeMs, this.#day.level);
    this.speaker = 0;
    if (this.#day.known && this.#speaks(1)) this.speaker = 1;
    if (this.#week.known && this.#speaks(2)) this.speaker = 2;
  }

  /** Distance of a value from the forecast, in usual errors of it; 0 or more, `floor` (above 0) being the least error. */
  strangeness(value: number, floor: number): number {
    const best = this.#all[this.speaker];
    return best.error.weight === 0 ? 0 : best.distance(value) / Math.max(best.error.value, floor);
  }

  /** Takes in the value of the time last looked at. */
  learn(value: number): void {
    if (this.#level.weight > 0) this.#flat.learn(value);
    this.#day.learn(value);
    this.#week.learn(value);
    this.#level.learn(value);
    this.#overall.learn(value);
  }

  #speaks(candidate: number): boolean {
    const { weight, value } = this.#all[candidate].error;
    return weight >= SPEAKS_LEAST && value < BETTER * this.#all[this.speaker].error.value;
  }
}

function shrunk(place: Fading, towards: number): number {
  return (place.weight * place.value + SHRINK_WEIGHT * towards) / (place.weight + SHRINK_WEIGHT);
}
