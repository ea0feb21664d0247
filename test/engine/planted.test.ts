import { describe, expect, it } from 'vitest';
import { isPage, type Kind } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { decodeLine } from '../../src/event/decode.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { Learner } from '../../src/learn/learner.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import type { Scenario } from '../../src/simulate/scenario.js';
import { createSimulation, type Simulation, simulationOptions } from '../../src/simulate/simulation.js';
import { DAY_MS, engineOf, outcomeOf, recordOf, START_MS, withTicks } from './world.js';

const prices = createPriceTable([]);

function recordsOf(simulation: Simulation): EngineRecord[] {
  const events = [...simulation.events()].map((event, at) =>
    recordOf(decodeLine(JSON.stringify(event), at, prices) as AgentEvent),
  );
  return withTicks(events);
}

/** An agent's first days teach no law, and large costs come seldom: laws of fewer days are wide. */
const LAW_DAYS = 24;

/** Laws learned from the ordinary days of another fleet: no cohorts, no agents, no bar. */
function laws(): CohortModel {
  const start = neutralModel();
  const quiet = createSimulation(simulationOptions('quiet', { seed: 100, agents: 12, days: LAW_DAYS }));
  const { samples } = outcomeOf(engineOf(), recordsOf(quiet));
  const model = new Learner({ start, pagesPerAgentDay: 0.03 }).close(
    START_MS + LAW_DAYS * DAY_MS,
    samples,
  ) as CohortModel;
  return { ...model, cohortOf: new Map(), cohorts: [], bar: 1 };
}

const learned = laws();

/** What an engine says of a simulated fleet of five in a week, from the end of the quiet days on. */
function say(scenario: Scenario, seed: number) {
  const simulation = createSimulation(simulationOptions(scenario, { seed, agents: 5, days: 7 }));
  const { findings } = outcomeOf(engineOf({ model: learned }), recordsOf(simulation));
  return { labels: simulation.labels, findings: findings.filter(({ time }) => time >= simulation.key.train_until) };
}

const seeds = [1, 2, 3, 4, 5];

describe.each<[Scenario, readonly Kind[], readonly string[], RegExp]>([
  ['retry-loop', ['retry-loop'], ['errors'], /failures|failed/],
  ['fan-out', ['fan-out'], ['delegation'], /sub-agents started/],
  ['budget-blowup', ['session-spend', 'spend'], ['session', 'spend'], /cost of the session|spend of the last hour/],
])('a planted %s', (scenario, kinds, detectors, feature) => {
  const worlds = seeds.map((seed) => say(scenario, seed));

  it('is found in most worlds while it goes on, by its own name', () => {
    const found = worlds.filter(({ labels, findings }) =>
      labels.every(({ agent, from, to }) =>
        findings.some(({ root, time, kind }) => root === agent && time >= from && time <= to && kinds.includes(kind)),
      ),
    );
    expect(found.length).toBeGreaterThanOrEqual(3);
  });

  it('is explained by what was planted, first of all', () => {
    for (const { labels, findings } of worlds) {
      for (const finding of findings.filter(
        (f) => kinds.includes(f.kind) && labels.some(({ agent }) => agent === f.root),
      )) {
        expect(detectors).toContain(finding.attribution[0].detector);
        expect(finding.attribution[0].feature).toMatch(feature);
        expect(finding.attribution[0].observed).toBeGreaterThan(finding.attribution[0].expected);
      }
    }
  });

  it('can page, and nobody is paged about the other agents', () => {
    const paged = worlds.filter(({ labels, findings }) =>
      labels.every(({ agent }) => findings.some(({ root, severity }) => root === agent && isPage(severity))),
    );
    expect(paged.length).toBeGreaterThan(0);
    for (const { labels, findings } of worlds) {
      const others = findings.filter(({ root }) => labels.every(({ agent }) => agent !== root));
      expect(others.filter(({ severity }) => isPage(severity))).toEqual([]);
    }
  });
});
