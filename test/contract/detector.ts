/** What every detector of the catalogue promises, whatever it measures. */
import { expect, it } from 'vitest';
import { DETECTORS, type DetectorName } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import type { Detector } from '../../src/detect/detector.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { Stage } from '../detect/stage.js';
import { traffic } from '../engine/traffic.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';

interface Reading {
  readonly score: number;
  readonly observed: number;
  readonly expected: number;
  readonly feature: number;
}

/** What one detector read of each event. */
function read(stage: Stage, name: DetectorName, events: readonly AgentEvent[]): Reading[] {
  const at = DETECTORS.indexOf(name);
  return events.map((event) => {
    const { score, observed, expected, feature } = stage.play(event);
    return { score: score[at], observed: observed[at], expected: expected[at], feature: feature[at] };
  });
}

/** Ordinary work of one agent, odd things included. */
function work(seed: number, hours: number): AgentEvent[] {
  return traffic({ seed, agents: 1, hours, sessionsPerHour: 4 }).map(({ event }) => ({ ...event, agent: 'agent-0' }));
}

/** Values at the ends of what an event may carry, in any mixture, at any pace. */
function extremes(): AgentEvent[] {
  const random = createRandom('extremes');
  const pick = <T>(...list: readonly T[]): T => random.pick(list);
  let timeMs = START_MS;
  return Array.from({ length: 3000 }, () => {
    timeMs += pick(0, 0, 0, 1, 999, HOUR_MS, 30 * DAY_MS * (random.next() < 0.02 ? 1 : 0));
    return eventOf({
      timeMs,
      operation: pick('chat', 'execute_tool', 'invoke_agent', 'create_agent', 'http'),
      endpoint: pick('', 'a', 'x'.repeat(256), `tool-${random.below(500)}`, '\u{1f426}'),
      target: pick(null, '', 't', `target-${random.below(500)}`),
      session: pick(null, '', `s-${random.below(100)}`),
      status: pick(null, 'ok', 'error', 'denied'),
      costUsd: pick(null, 0, 5e-324, 1e-9, 1, 1e6),
      inputTokens: pick(null, 0, 1e9),
      outputTokens: pick(null, 0, 1e9),
      bytesOut: pick(null, 0, 1e15),
    });
  });
}

/** One call a minute, a session an hour, every call alike. */
function metronome(days: number): AgentEvent[] {
  return Array.from({ length: days * 1440 }, (_, at) => {
    const timeMs = START_MS + at * MINUTE_MS + 1234;
    return eventOf({ timeMs, session: `hour-${Math.floor(at / 60)}`, target: 'queue/main', costUsd: 0.01 });
  });
}

function expectSound(detector: Detector, readings: readonly Reading[]): void {
  for (const { score, observed, expected, feature } of readings) {
    expect(score >= 0 && Number.isFinite(score), `score ${score}`).toBe(true);
    expect(Number.isFinite(observed) && Number.isFinite(expected), `${observed} against ${expected}`).toBe(true);
    expect(feature).toBeLessThan(detector.features.length);
  }
}

/** Declares the tests of one detector. */
export function detectorContract(detector: Detector): void {
  const { name } = detector;

  it('is finite, not negative and names a feature of its own', () => {
    expect(DETECTORS).toContain(name);
    expect(detector.features.every((feature) => feature.length > 0)).toBe(true);
    expectSound(detector, read(new Stage(createCatalogue), name, work(1, 72)));
  });

  it('stays so at the ends of what an event may carry', () => {
    const stage = new Stage(createCatalogue);
    expectSound(detector, read(stage, name, extremes()));
    expectSound(
      detector,
      read(
        stage,
        name,
        work(2, 10).map((event) => ({ ...event, timeMs: event.timeMs + 1e10 })),
      ),
    );
  });

  it('stays so through a million events in one bucket', () => {
    const stage = new Stage(createCatalogue);
    read(stage, name, work(3, 30));
    const fromMs = START_MS + 40 * HOUR_MS;
    const event = (at: number) =>
      eventOf({ agent: 'agent-0', timeMs: fromMs + at, status: at % 2 ? 'error' : 'ok', costUsd: 1 });
    read(stage, name, [event(0)]);
    const { observation } = stage;
    observation.timeMs = fromMs + 1;
    const { count } = detector;
    for (let at = 0; at < 1_000_000; at++) count?.call(detector, observation);
    expectSound(detector, read(stage, name, [event(1), event(2), event(3), event(HOUR_MS)]));
  });

  it('says the same of the same events, and leaves the same profile', () => {
    const events = work(4, 48);
    const [one, two] = [new Stage(createCatalogue), new Stage(createCatalogue)];
    expect(read(one, name, events)).toEqual(read(two, name, events));
    expect(one.bytes()).toEqual(two.bytes());
  });

  it('keeps nothing to itself: profile and session are all it remembers', () => {
    const events = work(5, 30);
    const [kept, renewed] = [new Stage(createCatalogue), new Stage(createCatalogue, true)];
    expect(read(kept, name, events)).toEqual(read(renewed, name, events));
    expect(kept.bytes()).toEqual(renewed.bytes());
  });

  it('finds no day of a metronome stranger than the days before', () => {
    const readings = read(new Stage(createCatalogue), name, metronome(6));
    const days = Array.from({ length: 6 }, (_, day) =>
      Math.max(...readings.slice(day * 1440, (day + 1) * 1440).map(({ score }) => score)),
    );
    for (let day = 3; day < 6; day++) expect(days[day]).toBeLessThanOrEqual(Math.max(...days.slice(0, 3)) + 0.1);
  });
}
