/** Writes a simulation to a folder as a recording: events, labels, key and meta. */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { SIMULATION_VERSION, type Simulation } from '../simulate/simulation.js';

export interface RecordingMeta {
  readonly seed: number;
  readonly options: Simulation['options'];
  /** SIMULATION_VERSION of the generator. */
  readonly generator: number;
  readonly events: number;
  readonly labels: number;
}

/** Lines that are handed to the compressor at once. */
const CHUNK_LINES = 500;

/**
 * Makes the folder where needed and writes events.jsonl.gz, labels.json, key.json and meta.json; existing files are
 * replaced. Streams: memory does not grow with the events. The uncompressed bytes depend on the options alone; the
 * gzip header carries no time (Node writes 0), but its body may differ between versions of zlib.
 */
export async function writeRecording(dir: string, simulation: Simulation): Promise<RecordingMeta> {
  await mkdir(dir, { recursive: true });
  let events = 0;
  function* chunks(): Generator<string, void, undefined> {
    let lines: string[] = [];
    for (const event of simulation.events()) {
      events++;
      if (lines.push(JSON.stringify(event)) < CHUNK_LINES) continue;
      yield `${lines.join('\n')}\n`;
      lines = [];
    }
    if (lines.length > 0) yield `${lines.join('\n')}\n`;
  }
  await pipeline(Readable.from(chunks()), createGzip({ level: 9 }), createWriteStream(join(dir, 'events.jsonl.gz')));
  const { options, labels, key } = simulation;
  const meta: RecordingMeta = {
    seed: options.seed,
    options,
    generator: SIMULATION_VERSION,
    events,
    labels: labels.length,
  };
  for (const [name, value] of Object.entries({ labels, key, meta })) {
    await writeFile(join(dir, `${name}.json`), `${JSON.stringify(value, null, 2)}\n`);
  }
  return meta;
}
