import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isPage, type Kind } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import { decodeLine } from '../../src/event/decode.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { modelFromJson } from '../../src/learn/model-file.js';
import type { Scenario } from '../../src/simulate/scenario.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';
import { engineOf, outcomeOf, recordOf, withTicks } from './world.js';

/** The model that a new installation starts from. */
const shipped = modelFromJson(JSON.parse(readFileSync('models/cold-start.json', 'utf8'))) as CohortModel;

/** What an engine says of a simulated fleet of five in a week, from the end of the quiet days on. */
function say(scenario: Scenario, seed: number) {
  const simulation = createSimulation(simulationOptions(scenario, { seed, agents: 5, days: 7 }));
  const prices = createPriceTable([]);
  const events = [...simulation.events()].map((event, at) =>
    recordOf(decodeLine(JSON.stringify(event), at, prices) as AgentEvent),
  );
  const { findings } = outcomeOf(engineOf({ model: shipped }), withTicks(events));
  return { labels: simulation.labels, findings: findings.filter(({ time }) => time >= simulation.key.train_until) };
}

const seeds = [1, 2, 3];

describe.each<[Scenario, Kind, string, RegExp]>([
  ['retry-loop', 'retry-loop', 'errors', /failures|failed/],
  ['fan-out', 'fan-out', 'delegation', /sub-agents started/],
  ['budget-blowup', 'session-spend', 'session', /cost of the session/],
])('a planted %s', (scenario, kind, detector, feature) => {
  const worlds = seeds.map((seed) => say(scenario, seed));

  it('is found while it goes on, by its own name', () => {
    for (const { labels, findings } of worlds) {
      for (const { agent, from, to } of labels) {
        const inside = findings.filter(({ root, time }) => root === agent && time >= from && time <= to);
        expect(inside.map((finding) => finding.kind)).toContain(kind);
      }
    }
  });

  it('is explained by what was planted, first of all', () => {
    for (const { labels, findings } of worlds) {
      for (const finding of findings.filter((f) => f.kind === kind && labels.some(({ agent }) => agent === f.root))) {
        expect(finding.attribution[0].detector).toBe(detector);
        expect(finding.attribution[0].feature).toMatch(feature);
        expect(finding.attribution[0].observed).toBeGreaterThan(finding.attribution[0].expected);
      }
    }
  });

  it('pages in most worlds, and nobody is paged about the other agents', () => {
    const paged = worlds.filter(({ labels, findings }) =>
      labels.every(({ agent }) => findings.some(({ root, severity }) => root === agent && isPage(severity))),
    );
    expect(paged.length).toBeGreaterThanOrEqual(2);
    for (const { labels, findings } of worlds) {
      const others = findings.filter(({ root }) => labels.every(({ agent }) => agent !== root));
      expect(others.filter(({ severity }) => isPage(severity))).toEqual([]);
    }
  });
});
