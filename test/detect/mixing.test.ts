import { describe, expect, it } from 'vitest';
import { createCatalogue } from '../../src/detect/catalogue.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { hash64, hex64 } from '../../src/math/hash.js';
import { HOUR_MS, settingsOf } from '../engine/world.js';
import { Stage } from './stage.js';
import { say, worked } from './worker.js';

const words = new Uint32Array(2);

/** Puts a model in force in which others of the tenant have adopted these endpoints and models. */
function othersUse(stage: Stage, ...names: string[]): Stage {
  const counts = new Map<string, number>();
  for (const name of names) {
    hash64(name, settingsOf().hashSeed, words);
    counts.set(hex64(words[0], words[1]), 3);
  }
  stage.state.model = { ...neutralModel(), users: new Map([['', counts]]) };
  return stage;
}

const THEIRS = ['ledger.post', 'ledger.close', 'bank.pay', 'model-2'];

/** Scores of one session that calls these, after the history. */
function session(stage: Stage, endpoints: readonly string[], afterMs = 0): number[] {
  return endpoints.map((endpoint, at) =>
    say(stage, 'mixing', afterMs + at * 1000, {
      endpoint,
      operation: endpoint.startsWith('model') ? 'chat' : 'execute_tool',
      session: `mixed-${afterMs}`,
    }),
  );
}

describe('mixing', () => {
  it('rises with everything that is new to the agent and usual for others', () => {
    const list = session(othersUse(worked(), ...THEIRS), THEIRS);
    expect(list[0]).toBe(0);
    expect(list[1]).toBeGreaterThan(0);
    expect(list[2]).toBeGreaterThan(list[1]);
    expect(list[3]).toBeGreaterThan(list[2]);
  });

  it('says nothing of what nobody uses: a roll-out is not somebody else', () => {
    expect(session(othersUse(worked(), ...THEIRS), ['a', 'b', 'c', 'd', 'model-9'])).toEqual([0, 0, 0, 0, 0]);
  });

  it('says nothing of a change of models alone', () => {
    const stage = othersUse(worked(), ...THEIRS);
    for (let at = 0; at < 10; at++) expect(session(stage, ['model-2'], at * HOUR_MS)).toEqual([0]);
  });

  it('counts each new thing once, whatever sessions it turns up in', () => {
    const stage = othersUse(worked(), ...THEIRS);
    expect(Math.max(...session(stage, THEIRS))).toBeGreaterThan(0);
    expect(session(stage, THEIRS, HOUR_MS)).toEqual([0, 0, 0, 0]);
  });

  it('says nothing of what the agent has made its own, nor to an agent that nobody knows', () => {
    expect(session(othersUse(worked(), 'tool-0', 'tool-1', 'model-1'), ['tool-0', 'tool-1', 'model-1'])).toEqual([
      0, 0, 0,
    ]);
    const stranger = othersUse(new Stage(createCatalogue), ...THEIRS);
    for (const score of session(stranger, THEIRS)) expect(score).toBe(0);
  });

  it('does not look across tenants', () => {
    const stage = othersUse(worked(), ...THEIRS);
    stage.state.model = {
      ...stage.state.model,
      users: new Map([['other', stage.state.model.users.get('') ?? new Map()]]),
    };
    expect(session(stage, THEIRS)).toEqual([0, 0, 0, 0]);
  });
});
