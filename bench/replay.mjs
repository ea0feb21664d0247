/**
 * A recording through everything that `killdeer replay` does: unpacking, splitting, checking and pricing, duplicates,
 * scoring, learning inline, the registry's fold, findings and decisions to files. Beside it the least that any reader
 * of such a file does: unpack, split, JSON.parse, and forget.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PRICE_LIST } from '../dist/event/price-list.js';
import { createPriceTable } from '../dist/event/prices.js';
import { neutralModel } from '../dist/learn/neutral-model.js';
import { openRecording } from '../dist/pipeline/recording.js';
import { replay } from '../dist/pipeline/replay.js';
import { writeRecording } from '../dist/pipeline/write-recording.js';
import { createFold, restoreFold } from '../dist/registry/fold.js';
import { createSimulation, simulationOptions } from '../dist/simulate/simulation.js';
import { alternate, row, secondsOf } from './measure.mjs';
import { configOf, enforcePolicy, inFolder } from './parts.mjs';

const TARGET = 'at least 0.25';

/** @param {{ recording: string | null }} options a recording of one's own; null: 36 simulated agents over 28 days */
export async function run({ recording }) {
  return inFolder(async (folder) => {
    const path = recording ?? (await simulate(join(folder, 'mixed')));
    const prices = createPriceTable(PRICE_LIST);
    const file = (await openRecording(path, prices)).path;
    const options = {
      recording: path,
      config: configOf(),
      policy: await enforcePolicy(),
      startModel: neutralModel(),
      prices,
      registry: { create: () => createFold(), restore: (snapshot) => restoreFold(snapshot) },
      findingsPath: join(folder, 'findings.jsonl'),
      decisionsPath: join(folder, 'decisions.jsonl'),
    };
    const compared = await alternate(
      () => parseAll(file),
      async () => {
        const { events, wallMs } = await replay(options);
        return (events * 1000) / wallMs;
      },
    );
    return [row('replay', 'recording to findings', 'events/s', compared, 'gunzip + split + JSON.parse', TARGET)];
  });
}

async function simulate(folder) {
  await writeRecording(folder, createSimulation(simulationOptions('mixed')));
  return folder;
}

/** Lines a second. All of the file at once: faster than a stream, and so the harder one to stand beside. */
async function parseAll(file) {
  let count = 0;
  const seconds = await secondsOf(async () => {
    const bytes = await readFile(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      JSON.parse(line);
      count++;
    }
  });
  return count / seconds;
}
