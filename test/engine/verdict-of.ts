/** Verdicts on findings as the API makes them, and an agent with trouble that comes back. */
import { F, LAYOUT, PROFILE_BYTES } from '../../src/agent/layout.js';
import type { Finding } from '../../src/decide/finding.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord, VerdictRecord } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, eventOf, HOUR_MS, outcomeOf, recordOf, START_MS, withTicks } from './world.js';

export function verdictOn(finding: Finding, over: Partial<VerdictRecord> & { timeMs: number }): VerdictRecord {
  const [top] = finding.attribution;
  return {
    type: 'verdict',
    id: 'v-1',
    tenant: finding.tenant,
    scope: { agent: finding.root },
    verdict: 'false-positive',
    kind: finding.kind,
    detector: top.detector,
    feature: top.feature,
    endpoint: 'mail.send',
    target: null,
    session: finding.session,
    direction: 'up',
    level: top.observed,
    sinceMs: Date.parse(finding.time),
    untilMs: over.timeMs + 14 * DAY_MS,
    actor: 'person:ann',
    comment: null,
    finding: finding.id,
    ...over,
  };
}

/** Sessions of ordinary calls, one about every half hour, from the start on. */
export function ordinary(agent: string, days: number, over: Partial<AgentEvent> = {}): EventRecord[] {
  const random = createRandom(`ordinary ${agent}`);
  const list: EventRecord[] = [];
  let timeMs = START_MS;
  while (timeMs < START_MS + days * DAY_MS) {
    timeMs += Math.floor(random.exponential() * 0.5 * HOUR_MS);
    const session = `${agent}-${timeMs}`;
    const calls = 2 + random.below(6);
    for (let call = 0; call < calls; call++) {
      timeMs += 1000 + random.below(20_000);
      const costUsd = random.logNormal(0.02, 0.5);
      const endpoint = `tool-${random.below(3)}`;
      list.push(recordOf(eventOf({ agent, id: `${session}-${call}`, session, timeMs, endpoint, costUsd, ...over })));
    }
  }
  return list;
}

/** Calls that fail, two seconds apart. */
export function loop(agent: string, fromMs: number, calls: number, endpoint = 'mail.send'): EventRecord[] {
  return Array.from({ length: calls }, (_, call) => {
    const id = `loop-${agent}-${fromMs}-${call}`;
    const timeMs = fromMs + call * 2000;
    return recordOf(eventOf({ agent, id, session: `loop-${fromMs}`, timeMs, endpoint, status: 'error' }));
  });
}

/** Events by time as their sender would write them. */
export function wireLines(events: readonly EventRecord[]): string[] {
  const sorted = [...events].sort((a, b) => a.event.timeMs - b.event.timeMs);
  return sorted.map(({ event }) => {
    const { id, timeMs, agent, session, operation, endpoint, status, costUsd } = event;
    const time = new Date(timeMs).toISOString();
    return JSON.stringify({ id, time, agent, session, operation, endpoint, status, cost_usd: costUsd });
  });
}

/** Everything by time, with ticks; what is no event stands behind the events of its time. */
export function timeline(events: readonly EventRecord[], controls: readonly EngineRecord[] = []): EngineRecord[] {
  const sorted = [...events].sort((a, b) => a.event.timeMs - b.event.timeMs);
  const records: EngineRecord[] = withTicks(sorted);
  for (const control of controls) {
    const at = records.findIndex((record) => timeOf(record) > timeOf(control));
    records.splice(at === -1 ? records.length : at, 0, control);
  }
  return records;
}

function timeOf(record: EngineRecord): number {
  return record.type === 'event' ? record.event.timeMs : record.timeMs;
}

/** Findings of an engine that takes these records. */
export function found(engine: PartitionEngine, records: readonly EngineRecord[]): Finding[] {
  return outcomeOf(engine, records).findings;
}

/** A copy of an agent's profile. */
export function profileOf({ inside }: PartitionEngine, agent: string): Uint8Array {
  return inside.table.raw(inside.table.find('', agent, true)).slice();
}

/** A field's first elements in a profile's bytes. */
export function numbersOf(profile: Uint8Array, field: keyof typeof F, view: 'f64' | 'f32', count = 1): number[] {
  const whole = profile.slice(0, PROFILE_BYTES).buffer;
  const all = view === 'f64' ? new Float64Array(whole) : new Float32Array(whole);
  const step = (LAYOUT.find(({ name }) => name === field)?.step ?? 0) / all.BYTES_PER_ELEMENT;
  return Array.from({ length: count }, (_, i) => all[F[field] + i * step]);
}
