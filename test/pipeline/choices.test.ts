/** What people choose while many processes run: who tells the partitions, and who has the last word. */
import { describe, expect, it } from 'vitest';
import { parseConfig, settingsOf } from '../../src/config.js';
import type { ControlRecord } from '../../src/engine/record.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { activateLearned, Choices } from '../../src/pipeline/choices.js';
import { Announcer } from '../../src/pipeline/cluster-announcer.js';
import { openClusterMemory, readClusterMemory } from '../../src/pipeline/cluster-state.js';
import { FactBook } from '../../src/pipeline/fact-book.js';
import type { LiveChange } from '../../src/pipeline/live-parts.js';
import { CLUSTER_TOPIC } from '../../src/pipeline/topics.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { policyOf } from './live-world.js';

const BY = { actor: 'person:ada', authority: 't1', parent: null } as const;
const BUDGET = { pagesPerAgentDay: 0.2, noticesPerAgentDay: 0.3 };
const FILE = settingsOf(parseConfig({}, 'test'), policyOf('observe'));

const settings = (key: string): RegistryRecord => {
  return { type: 'settings', timeMs: 9, key, settings: BUDGET, ifVersion: null, comment: null, ...BY };
};
const choice = (key: string, version: string | null, pin: boolean): RegistryRecord => {
  return { type: 'model-choice', timeMs: 9, key, version, pin, ...BY };
};

function changesOf(...records: readonly RegistryRecord[]): LiveChange[] {
  const fold = createFold();
  return records.map((record, offset) => ({ offset, record, verdict: fold.apply(record) }));
}

describe('the book of facts', () => {
  it('tells every partition the settings whole, and the model, each once by its last word', () => {
    const book = new FactBook(true, () => FILE);
    const follows = changesOf(settings('a'), settings('a'), choice('b', 'm1', false), choice('c', 'm2', true)).map(
      (change) => book.note(change),
    );
    const config = { type: 'config', timeMs: 9, settings: { ...FILE, ...BUDGET } };
    const model = { type: 'model', timeMs: 9, version: 'm2' };
    expect(follows).toEqual([[config], [], [{ ...model, version: 'm1' }], [model]]);
    expect(book.since(0)).toEqual([config, model]);
    expect(book.since(1)).toEqual([model]);
  });

  it('says nothing where a pin is taken away, or nobody knows the configuration', () => {
    const book = new FactBook();
    const follows = changesOf(settings('a'), choice('b', 'm1', true), choice('c', null, false)).map((change) =>
      book.note(change),
    );
    expect(follows).toEqual([[], [{ type: 'model', timeMs: 9, version: 'm1' }], []]);
  });
});

describe('a learned model', () => {
  async function activated(choices: Choices, meanwhile: () => void = () => undefined): Promise<string[]> {
    const made: string[] = [];
    await activateLearned(choices, 'learned', async (version) => {
      made.push(version);
      if (made.length === 1) meanwhile();
    });
    return made;
  }
  const noted = (...records: readonly RegistryRecord[]): Choices => {
    const choices = new Choices();
    for (const change of changesOf(...records)) choices.note(change);
    return choices;
  };

  it('scores unless another is pinned', async () => {
    expect(await activated(noted())).toEqual(['learned']);
    expect(await activated(noted(choice('a', 'm1', false)))).toEqual(['learned']);
    expect(await activated(noted(choice('a', 'm1', true)))).toEqual([]);
    expect(await activated(noted(choice('a', 'm1', true), choice('b', null, false)))).toEqual(['learned']);
  });

  it('gives way to one that was pinned while it was put in force', async () => {
    const choices = noted();
    const [pin] = changesOf(choice('a', 'm1', true));
    expect(await activated(choices, () => choices.note(pin))).toEqual(['learned', 'm1']);
  });
});

describe('a process that announces what is configured', () => {
  async function world(learns = true, file = FILE) {
    const log = createMemoryLog({ topics: { [CLUSTER_TOPIC]: 1 } });
    const memory = await openClusterMemory(log, () => ({ settings: FILE, model: 'm0', partitions: 1 }), 1);
    const choices = new Choices();
    const told: ControlRecord[] = [];
    const announcer = new Announcer({
      append: async (record) => void told.push(record),
      ...{ log: () => log, configured: () => file, choices, clock: () => 7, learns, report: () => undefined },
    });
    return { log, memory, choices, told, announcer };
  }

  it('says nothing new of a file that was announced, whatever people set', async () => {
    const { memory, choices, told, announcer } = await world();
    const [change] = changesOf(settings('a'));
    choices.note(change);
    announcer.noteChange(change, false);
    await announcer.announce(memory, 'm0');
    expect(told).toEqual([]);
  });

  it('announces another file with what people set in it, and says so again when they set it anew', async () => {
    const file = { ...FILE, sessionIdleMs: 5_000 };
    const { log, memory, choices, told, announcer } = await world(true, file);
    await announcer.announce(memory, 'm0');
    expect(told).toEqual([{ type: 'config', timeMs: 7, settings: file }]);
    // The file's own is what the next process compares with.
    expect((await readClusterMemory(log))?.settings).toEqual(file);
    const [change] = changesOf(settings('a'));
    choices.note(change);
    announcer.noteChange(change, false);
    expect(told.at(-1)).toEqual({ type: 'config', timeMs: 9, settings: { ...file, ...BUDGET } });
  });

  it('leaves the model that the file names aside where a person chose one', async () => {
    const free = await world(false);
    await free.announcer.announce(free.memory, 'm1');
    expect(free.told).toEqual([{ type: 'model', timeMs: 7, version: 'm1' }]);
    const chosen = await world(false);
    const [change] = changesOf(choice('a', 'm9', false));
    chosen.choices.note(change);
    await chosen.announcer.announce(chosen.memory, 'm1');
    expect(chosen.told).toEqual([]);
  });

  it('repeats a pin where it puts learned models in force', async () => {
    const { choices, told, announcer } = await world();
    const [change] = changesOf(choice('a', 'm9', true));
    choices.note(change);
    announcer.noteChange(change, false);
    expect(told).toEqual([]);
    announcer.noteChange(change, true);
    expect(told).toEqual([{ type: 'model', timeMs: 9, version: 'm9' }]);
  });
});
