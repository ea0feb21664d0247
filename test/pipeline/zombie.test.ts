/** Two processes on one registry: who was superseded stops nobody, and what is told again has no second effect. */
import { expect, it, onTestFinished } from 'vitest';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createRegistryWriter } from '../../src/pipeline/registry-writer.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { policy, wish } from '../registry/records.js';

const NOW_MS = 1_000;

/** Two processes with the same log, each with its own fold of it. */
async function processes(): Promise<readonly [Registry, Registry]> {
  const log = createMemoryLog({ topics: { registry: 1 } });
  const open = async () => {
    const options = { log, clock: () => NOW_MS, policy: policy('enforce').policy, tickEveryMs: 0 };
    const registry = await openRegistry(options);
    onTestFinished(() => registry.close());
    return registry;
  };
  return [await open(), await open()];
}

const owner = (epoch: number) =>
  ({ type: 'owner', partition: 0, epoch, actor: 'engine:0', authority: 'system', parent: null }) as const;

it("a zombie's stale stop is refused wherever it is read, and the rightful owner's same stop counts", async () => {
  const [zombie, rightful] = await processes();
  await zombie.write(owner(4));
  await rightful.write(owner(5));
  const made = wish('clerk', 'suspend', { epoch: 4 });
  await createRegistryWriter(zombie).write(0, [made], []);
  const decide = (registry: Registry) => registry.view.decide('', 'clerk', NOW_MS).allow;
  expect([decide(zombie), decide(rightful)]).toEqual([true, true]);
  expect(rightful.view.brakes().left).toBe(5);

  await createRegistryWriter(rightful).write(0, [{ ...made, epoch: 5 }], []);
  await zombie.write(owner(4));
  expect([decide(zombie), decide(rightful)]).toEqual([false, false]);
});

it('a stop that is told 10,000 times is one stop', async () => {
  const [one, other] = await processes();
  const made = wish('clerk');
  const writers = [createRegistryWriter(one), createRegistryWriter(other)];
  for (let batch = 0; batch < 10; batch++) {
    await writers[batch % 2].write(
      0,
      Array.from({ length: 1_000 }, () => made),
      [],
    );
  }
  await other.tick();
  await one.tick();
  expect(one.offset()).toBeGreaterThan(10_000);
  expect(one.view.entry('', 'clerk')).toMatchObject({ status: 'suspended', version: 2 });
  expect(one.view.brakes()).toMatchObject({ left: 4, open: false, skipped: [] });
});

it('what the traffic shows of a stop reaches the registry, once', async () => {
  const [one] = await processes();
  await createRegistryWriter(one).write(0, [wish('clerk')], []);
  const effect = { tenant: '', agent: 'clerk', version: 2, state: 'contradicted', reason: 'it called' } as const;
  const writer = createRegistryWriter(one);
  await writer.write(0, [], [], [effect]);
  await writer.write(0, [], [], [effect]);
  expect(one.view.effects('', 'clerk')).toEqual([
    { place: 'traffic', root: null, version: 2, state: 'contradicted', reason: 'it called', timeMs: NOW_MS },
  ]);
});
