/** A worker with the engine of one partition: each message asks for a run, the answer is what it took, events/s. */
import { parentPort, workerData } from 'node:worker_threads';
import { eventsPerSecond, openFleet, openLearnedFleet } from './engine-fleet.mjs';
import { enforcePolicy } from './parts.mjs';

const policy = await enforcePolicy();
const fleet = openFleet(workerData.agents, policy, openLearnedFleet(policy));
parentPort.on('message', () => parentPort.postMessage(eventsPerSecond(fleet)));
parentPort.postMessage('ready');
