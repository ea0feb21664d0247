/** Threads that score must be behind the one that answers, on the system that can tell them apart. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { until } from '../e2e/program.js';
import { Server } from '../e2e/server.js';

/** Nice value of each thread of a process; field 19 of proc's stat, counted behind the name. */
function nices(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => niceOf(pid, task));
}

function niceOf(pid: number, task: string): number {
  const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}

it.skipIf(process.platform !== 'linux')('a server answers at full priority and scores below it', async () => {
  const server = await Server.start();
  const { pid } = server.program;
  const own = niceOf(pid, String(pid));
  await until('a thread of it has stood back', () => nices(pid).includes(own + 5));
  expect(niceOf(pid, String(pid))).toBe(own);
});
