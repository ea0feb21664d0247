import { describe, expect, test } from 'vitest';
import { INJECTION_KINDS, type InjectionKind } from '../../src/simulate/inject/plan.js';
import { createSimulation, type Label, type Simulation, simulationOptions } from '../../src/simulate/simulation.js';
import type { SimulatedEvent } from '../../src/simulate/wire.js';

/** A fleet with one injection of the kind on one agent, beside the scenario's own. */
function stage(kind: InjectionKind, agent: string, day: number, days = 12): { label: Label; events: SimulatedEvent[] } {
  const injections = [kind === 'negative:provider-outage' ? { kind, day } : { kind, agent, day }];
  const simulation: Simulation = createSimulation(simulationOptions('fan-out', { agents: 13, days, injections }));
  const label = simulation.labels.find((each) => each.kind === kind && (each.agent === agent || each.agent === null));
  if (label === undefined) throw new Error(`no label of ${kind}`);
  return { label, events: [...simulation.events()] };
}

const inside = (label: Label) => (event: SimulatedEvent) => event.time >= label.from && event.time <= label.to;
const earlier = (label: Label) => (event: SimulatedEvent) => event.time < label.from;
const of = (agent: string) => (event: SimulatedEvent) => event.agent === agent;
const lengthMs = (label: Label): number => Date.parse(label.to) - Date.parse(label.from);
const sum = (list: readonly number[]): number => list.reduce((total, x) => total + x, 0);

describe('failures', () => {
  test('retry loop: one session, one failing tool, one target, a storm or 500 an hour', () => {
    for (const [pace, least, most] of [
      ['storm', 1.4, 3],
      ['steady', 0.1, 0.2],
    ] as const) {
      const injections = [{ kind: 'retry-loop' as const, agent: 'finance-1', day: 10.4, pace }];
      const simulation = createSimulation(simulationOptions('fan-out', { agents: 13, days: 12, injections }));
      const label = simulation.labels.find((each) => each.kind === 'retry-loop') as Label;
      const loop = [...simulation.events()].filter((event) => event.session === label.session).filter(inside(label));
      expect(new Set(loop.map((event) => `${event.endpoint} ${event.target} ${event.status}`)).size).toBe(1);
      expect(loop[0].status).toBe('error');
      const perSecond = loop.length / (lengthMs(label) / 1000);
      expect(perSecond).toBeGreaterThan(least);
      expect(perSecond).toBeLessThan(most);
    }
  });

  test('burst: ten times the mean rate for half an hour', () => {
    const { label, events } = stage('rate-burst-x10', 'chat-1', 10.4);
    const opened = new Set(
      events
        .filter(of('chat-1'))
        .filter(inside(label))
        .map((event) => event.session),
    );
    const days =
      new Set(
        events
          .filter(of('chat-1'))
          .filter(earlier(label))
          .map((event) => event.session),
      ).size / 10.4;
    expect(opened.size / (days / 48)).toBeGreaterThan(9);
  });

  test('budget blow-up: one session, 400 model calls, every context larger than the last', () => {
    const { label, events } = stage('budget-blowup', 'research-1', 10.4);
    const calls = events.filter((event) => event.session === label.session);
    expect(calls).toHaveLength(400);
    const contexts = calls.map((event) => event.input_tokens ?? 0);
    expect(contexts.every((tokens, at) => at === 0 || tokens >= contexts[at - 1])).toBe(true);
    expect(sum(calls.map((event) => event.cost_usd ?? 0))).toBeGreaterThan(50);
  });

  test('fan-out: sixty sub-agents in five minutes, two levels, each naming its parent', () => {
    const { label, events } = stage('sub-agent-fan-out', 'coding-1', 10.4);
    const spawned = events.filter((event) => event.session === label.session && event.operation === 'invoke_agent');
    expect(new Set(spawned.map((event) => event.target)).size).toBe(60);
    expect(Date.parse(spawned[59].time) - Date.parse(spawned[0].time)).toBeLessThan(300_000);
    const talk = events.filter((event) => event.session === label.session && event.operation === 'chat');
    expect(new Set(talk.map((event) => event.agent)).size).toBe(60);
    expect(talk.every((event) => event.agent.startsWith('coding-1/sub-') && event.parent !== null)).toBe(true);
    expect(new Set(talk.map((event) => event.parent)).size).toBeGreaterThan(5);
  });

  test('cost creep: the last hours cost about four times the first', () => {
    const { label, events } = stage('cost-creep-2pct-per-hour', 'chat-1', 8);
    const chats = events.filter(of('chat-1')).filter((event) => event.operation === 'chat' && event.status === 'ok');
    const meanIn = (fromMs: number, toMs: number): number => {
      const some = chats.filter((event) => Date.parse(event.time) >= fromMs && Date.parse(event.time) < toMs);
      return sum(some.map((event) => event.input_tokens ?? 0)) / some.length;
    };
    const [fromMs, toMs] = [Date.parse(label.from), Date.parse(label.to)];
    const plain = meanIn(fromMs - 72 * 3_600_000, fromMs);
    expect(toMs - fromMs).toBe(72 * 3_600_000);
    // The middle of the last twelve hours is hour 66: 1.02^66 = 3.69.
    expect(meanIn(toMs - 12 * 3_600_000, toMs) / plain).toBeGreaterThan(3);
    expect(meanIn(toMs - 12 * 3_600_000, toMs) / plain).toBeLessThan(4.5);
    expect(meanIn(fromMs, fromMs + 6 * 3_600_000) / plain).toBeLessThan(1.3);
  });
});

describe('intrusions', () => {
  test('hijack: known tools only, a target that nobody ever used', () => {
    const { label, events } = stage('hijack', 'finance-1', 10.4);
    const known = new Set(
      events
        .filter(earlier(label))
        .filter(of('finance-1'))
        .map((event) => event.endpoint),
    );
    const turned = events.filter((event) => event.session === label.session).filter(inside(label));
    expect(turned.every((event) => known.has(event.endpoint))).toBe(true);
    const targets = new Set(events.filter(earlier(label)).map((event) => event.target));
    const fresh = turned.filter((event) => event.endpoint === 'payment.send');
    expect(fresh.length).toBeGreaterThanOrEqual(2);
    expect(fresh.every((event) => !targets.has(event.target))).toBe(true);
    expect(events.some((event) => event.session === label.session && event.time < label.from)).toBe(true);
  });

  test("new endpoint set: another role's tools under this name", () => {
    const { label, events } = stage('new-endpoint-set', 'analyst-1', 10.4);
    expect(label.sessions).toHaveLength(6);
    const known = new Set(
      events
        .filter(earlier(label))
        .filter(of('analyst-1'))
        .map((event) => event.endpoint),
    );
    const foreign = events.filter((event) => label.sessions?.includes(event.session) && event.operation !== 'chat');
    expect(new Set(foreign.map((event) => event.endpoint).filter((name) => !known.has(name))).size).toBeGreaterThan(2);
  });

  test('shared credential: one name, two places', () => {
    const { label, events } = stage('shared-credential', 'sales-1', 9);
    const sources = (list: SimulatedEvent[]): number => new Set(list.map((event) => event.source)).size;
    expect(sources(events.filter(of('sales-1')).filter(earlier(label)))).toBe(1);
    expect(sources(events.filter(of('sales-1')).filter(inside(label)))).toBe(2);
    expect(new Set(events.filter(of('sales-1')).map((event) => event.credential)).size).toBe(1);
  });

  test('privilege creep: six new privileges, one after the other', () => {
    const { label, events } = stage('privilege-creep', 'ops-1', 6, 20);
    const first = new Map<string, string>();
    for (const event of events.filter(of('ops-1'))) {
      if (/^(iam|secrets)\./.test(event.endpoint) && !first.has(event.endpoint)) first.set(event.endpoint, event.time);
    }
    expect(first.size).toBe(6);
    expect([...first.values()][0]).toBe(label.from);
    const days = [...first.values()].map((time) => (Date.parse(time) - Date.parse(label.from)) / 86_400_000);
    expect(days[5]).toBeGreaterThan(8);
  });

  test('slow exfiltration: a known tool, one new host, little by little', () => {
    const { label, events } = stage('slow-exfiltration', 'analyst-1', 6);
    const sent = events.filter((event) => event.target?.endsWith('.files.example') === true);
    expect(new Set(sent.map((event) => `${event.endpoint} ${event.target} ${event.agent}`)).size).toBe(1);
    expect(sent.length).toBeGreaterThan(25);
    expect(sent.every((event) => label.sessions?.includes(event.session))).toBe(true);
    expect(sent[0].time).toBe(label.from);
  });

  test('dormant: silent for days, then 25 sessions at night', () => {
    const { label, events } = stage('dormant-wakes', 'people-1', 11);
    const own = events.filter(of('people-1'));
    const last = own.filter(earlier(label)).at(-1);
    expect(Date.parse(label.from) - Date.parse(last?.time ?? '')).toBeGreaterThan(4 * 86_400_000);
    expect(new Set(own.filter((event) => event.time >= label.from).map((event) => event.session)).size).toBe(25);
    expect(label.from.slice(11, 13)).toBe('03');
  });
});

describe('hard negatives', () => {
  test('provider outage: most model calls of the window fail, for everybody', () => {
    const { label, events } = stage('negative:provider-outage', '', 10.6);
    const chats = events.filter(inside(label)).filter((event) => event.operation === 'chat');
    expect(chats.length).toBeGreaterThan(15);
    expect(chats.filter((event) => event.status === 'error').length / chats.length).toBeGreaterThan(0.4);
    expect(label.agent).toBeNull();
    expect(lengthMs(label)).toBe(15 * 60_000);
  });

  test('roll-out: every agent of the role uses the new tool, from then on', () => {
    const { label, events } = stage('negative:new-tool-rollout', 'support-1', 8);
    const used = events.filter((event) => event.endpoint === 'weather.get');
    expect(new Set(used.map((event) => event.agent))).toEqual(new Set(['support-1', 'support-2']));
    expect(used.every((event) => event.time >= label.from)).toBe(true);
  });

  test('weekly batch: the same night every week, in the learning days too', () => {
    const { label, events } = stage('negative:weekly-batch', 'finance-1', 10, 12);
    const nights = events.filter(of('finance-1')).filter((event) => /T0[2-5]/.test(event.time));
    const perDay = new Map<string, Set<string>>();
    for (const event of nights) {
      const day = event.time.slice(0, 10);
      perDay.set(day, (perDay.get(day) ?? new Set()).add(event.session));
    }
    const busy = [...perDay.entries()].filter(([, sessions]) => sessions.size >= 8).map(([day]) => day);
    expect(busy).toEqual(['2025-06-05', '2025-06-12']);
    expect(label.from).toBe('2025-06-12T02:00:00.000Z');
  });
});

test('a mixed fleet plays every kind, and leaves a quarter of its agents alone', () => {
  const { labels, key } = createSimulation(simulationOptions('mixed', { agents: 26, days: 20 }));
  expect([...new Set(labels.map((label) => label.kind))].sort()).toEqual([...INJECTION_KINDS].sort());
  expect(key.agents.filter((agent) => agent.plays === 'clean').length).toBeGreaterThanOrEqual(6);
  const roots = labels.filter((label) => !label.kind.startsWith('negative:')).map((label) => label.agent);
  expect(new Set(roots).size).toBe(roots.length);
});
