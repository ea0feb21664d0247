/** A thread that scores at full speed until it is told to stop: what `/v1/decide` must not wait for. */
import { parentPort } from 'node:worker_threads';
import { standBack } from '../dist/pipeline/thread-priority.js';
import { Feed } from './feed.mjs';
import { Fleet } from './fleet.mjs';
import { configOf, createEngine, enforcePolicy } from './parts.mjs';

const AGENTS = 10_000;
const BATCH = 1_000;

// As the engines' threads of a server do.
standBack();

let running = true;
parentPort.on('message', () => {
  running = false;
});

const fleet = new Fleet(AGENTS);
const feed = new Feed(createEngine(configOf({ agents_max: AGENTS }), await enforcePolicy()));
feed.take(fleet.events(BATCH));
parentPort.postMessage('running');
while (running) {
  feed.take(fleet.events(BATCH));
  // Lets the message to stop in; nothing else waits in this thread.
  await new Promise((wake) => setImmediate(wake));
}
parentPort.close();
