/** What several benches are made of: a configuration, a shelf in memory, an engine, temp folders that go away. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, settingsDigest, settingsOf } from '../dist/config.js';
import { compilePolicy } from '../dist/decide/compile-policy.js';
import { PartitionEngine } from '../dist/engine/engine.js';
import { neutralModel } from '../dist/learn/neutral-model.js';
import { createMemoryShelf } from '../dist/pipeline/shelf.js';

/** The shipped policy that stops: what it proposes is judged by the registry, too. */
export async function enforcePolicy() {
  const text = await readFile(new URL('../policies/enforce.yaml', import.meta.url), 'utf8');
  const compiled = compilePolicy(text, 'enforce.yaml');
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  return compiled.policy;
}

/** The configuration's defaults, with these members of `detection`. */
export function configOf(detection = {}) {
  return parseConfig({ detection }, 'bench');
}

/** An engine that nothing was fed yet. */
export function createEngine(config, policy) {
  const settings = settingsOf(config, policy);
  return new PartitionEngine({
    settings,
    config: settingsDigest(settings),
    model: neutralModel(),
    place: { partition: 0, epoch: 1 },
    shelf: createMemoryShelf(),
    models: () => null,
    parseSettings: () => null,
  });
}

/** Calls `work` with a folder that is gone afterwards. */
export async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'killdeer-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
