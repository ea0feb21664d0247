import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { writeRecording } from '../../src/pipeline/write-recording.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';

async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'killdeer-recording-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const SMALL = simulationOptions('hijack', { agents: 4, days: 3 });

test('writes every event, one a line, and labels, key and meta beside them', async () => {
  const dir = join(await freshDir(), 'new', 'folder');
  const simulation = createSimulation(SMALL);
  const meta = await writeRecording(dir, simulation);
  const zipped = await readFile(join(dir, 'events.jsonl.gz'));
  const expected = [...simulation.events()].map((event) => `${JSON.stringify(event)}\n`).join('');
  expect(gunzipSync(zipped).toString()).toBe(expected);
  expect(meta.events).toBe(expected.split('\n').length - 1);
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(dir, name), 'utf8'));
  expect(await read('labels.json')).toEqual(simulation.labels);
  expect(await read('key.json')).toEqual(simulation.key);
  expect(await read('meta.json')).toEqual(meta);
});

test('the compressed file carries no time, and writing again replaces it byte for byte', async () => {
  const dir = await freshDir();
  await writeRecording(dir, createSimulation(SMALL));
  const first = await readFile(join(dir, 'events.jsonl.gz'));
  expect([...first.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
  await writeRecording(dir, createSimulation(SMALL));
  expect((await readFile(join(dir, 'events.jsonl.gz'))).equals(first)).toBe(true);
});
