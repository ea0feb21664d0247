import { describe, expect, it } from 'vitest';
import { Sightings } from '../../src/engine/sightings.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { eventOf } from './world.js';

function sighting(agent: string, version: string | null, tenant = ''): AgentEvent {
  return eventOf({ timeMs: 1, agent, version, tenant });
}

describe('sightings', () => {
  it('are reported once for each agent and version', () => {
    const sightings = new Sightings();
    const note = (agent: string, version: string | null, tenant?: string): boolean =>
      sightings.note(sighting(agent, version, tenant), 0, false);
    expect([note('a', null), note('a', null), note('a', '1'), note('a', '1'), note('a', null)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
    expect([note('a', '1', 'acme'), note('b', '1'), note('a', '1')]).toEqual([true, true, false]);
  });

  it('are the same with marks and without, whoever gets a slot and however often versions change', () => {
    const random = createRandom('sightings');
    const marked = new Sightings();
    const plain = new Sightings();
    const seated = Array.from({ length: 100 }, (_, slot) => `agent-${slot}`);
    let reported = 0;
    for (let step = 0; step < 20_000; step++) {
      const slot = random.below(seated.length);
      if (random.next() < 0.02) {
        seated[slot] = `agent-${random.below(150)}`;
        marked.forgetSlot(slot);
      }
      const draw = random.next();
      const version = draw < 0.2 ? null : draw < 0.9 ? '1.0' : `2.${random.below(30)}`;
      const event = sighting(seated[slot], version);
      const isNew = plain.note(event, slot, false);
      expect(marked.note(event, slot, true)).toBe(isNew);
      if (isNew) reported++;
    }
    expect(reported).toBeGreaterThan(500);
    expect(marked.snapshot()).toEqual(plain.snapshot());
  });

  it('come back from a snapshot', () => {
    const sightings = new Sightings();
    sightings.note(sighting('a', '1'), 3, true);
    const copy = new Sightings();
    copy.restore(sightings.snapshot());
    expect(copy.note(sighting('a', '1'), 5, true)).toBe(false);
    expect(copy.note(sighting('a', '2'), 5, true)).toBe(true);
    expect(sightings.note(sighting('a', '2'), 3, true)).toBe(true);
    expect(copy.snapshot()).toEqual(sightings.snapshot());
  });
});
