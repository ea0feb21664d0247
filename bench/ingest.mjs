/**
 * POST /v1/events, answered when durable, beside the log alone: the same records in the same batches, as many at a
 * time. The difference is HTTP, splitting, decoding and checking, remembering ids, and the client's own process.
 */
import { join } from 'node:path';
import { openFileLog } from '../dist/log/file-log.js';
import { encodeEvent } from '../dist/pipeline/record-line.js';
import { Client } from './client.mjs';
import { Fleet } from './fleet.mjs';
import { compare, RUNS, row, secondsOf } from './measure.mjs';
import { inFolder } from './parts.mjs';
import { openServer, RETAIN_BYTES } from './server.mjs';

/** Events a call: what a sender's buffer of a second or so holds, and single events. */
const CALLS = [500, 1];
const CONNECTIONS = 8;
const SECONDS = 1.5;
const BODIES = 64;

export async function run() {
  const rows = [];
  for (const size of CALLS) {
    const fleet = new Fleet(1_000);
    const batches = Array.from({ length: BODIES }, () => Array.from({ length: size }, () => fleet.line()));
    rows.push(await inFolder((folder) => measure(folder, batches, size)));
  }
  return rows;
}

async function measure(folder, batches, size) {
  const server = await openServer(join(folder, 'server'));
  const bare = await openFileLog({
    directory: join(folder, 'bare'),
    topics: { events: 1 },
    retainBytesMax: RETAIN_BYTES,
  });
  const client = new Client();
  const load = {
    url: `${server.url}/v1/events`,
    headers: server.headers('ingest', 'application/x-ndjson'),
    bodies: batches.map((lines) => `${lines.join('\n')}\n`),
    connections: CONNECTIONS,
    seconds: SECONDS,
    rate: null,
    ids: '"id":"',
  };
  const records = batches.map((lines) => lines.map((line) => encodeEvent(line, false)));
  try {
    const pairs = [];
    for (let i = 0; i <= RUNS; i++) {
      const reference = await appendFor(bare, records, size);
      const ours = (await client.play(load)).perSecond * size;
      if (i > 0) pairs.push({ ours, reference });
    }
    const measure = `${size} event${size === 1 ? '' : 's'} a call, ${CONNECTIONS} connections`;
    return row('ingest', measure, 'events/s', compare(pairs), 'the log alone');
  } finally {
    await Promise.all([client.close(), server.close(), bare.close()]);
  }
}

/** Events a second of as many writers as the load has connections. */
async function appendFor(log, records, size) {
  const endMs = performance.now() + SECONDS * 1000;
  let appends = 0;
  const writer = async () => {
    while (performance.now() < endMs) await log.append('events', 0, records[appends++ % records.length]);
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: CONNECTIONS }, writer)));
  return (appends * size) / seconds;
}
