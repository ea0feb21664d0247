/**
 * A server of others in Java, for tests: fetched once into a folder of its own, started, and ended with whoever started
 * it. One such server for each process; the scripts beside it say what is fetched and how it starts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Characters of a log that are shown of a server that failed. */
const TAIL = 4_000;
const KILL_AFTER_MS = 10_000;

/** Set before the server is there: whoever asks it to end meanwhile is obeyed. */
let ending = false;
let java = null;

export const isEnding = () => ending;

export function fail(message) {
  console.error(message);
  process.exit(1);
}

/**
 * The folder `name` of the cache, filled once: `fill` is given an empty folder and answers the part of it to be kept, or
 * an Error.
 */
export function fetchOnce(cache, name, fill) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(cache, 'fetch-'));
  const kept = fill(beside);
  try {
    if (!(kept instanceof Error)) renameSync(kept, folder);
  } catch {
    // The other one was faster.
  }
  rmSync(beside, { recursive: true, force: true });
  if (kept instanceof Error) fail(kept.message);
  return folder;
}

/** Runs Maven on a project file. null: it worked; else what it said. */
export function maven(pom, words) {
  const { status, error, stdout } = spawnSync('mvn', ['-q', '-B', '-f', pom, ...words], { encoding: 'utf8' });
  return status === 0 ? null : (error?.message ?? stdout.slice(-TAIL));
}

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** From here on a signal, or with `withParent` the end of the standard input, ends the server and this process. */
export function endWith({ withParent, folder, keepsFolder }) {
  process.on('exit', () => {
    java?.kill('SIGKILL');
    if (!keepsFolder) rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
  if (withParent) process.stdin.on('end', end).on('error', end).resume();
}

function end() {
  if (ending) return;
  ending = true;
  if (java === null) process.exit(0);
  java.kill('SIGCONT');
  java.kill('SIGTERM');
  setTimeout(() => java.kill('SIGKILL'), KILL_AFTER_MS).unref();
}

/** Starts it in its folder; this process ends with it. Answers its pid. */
export function start(command, words, { folder, logFile, env = {} }) {
  if (ending) process.exit(0);
  const output = createWriteStream(logFile, { flags: 'a' });
  java = spawn(command, words, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A signal to the terminal's group must reach the server through us alone.
    detached: true,
    env: { ...process.env, ...env },
  });
  java.stdout.pipe(output, { end: false });
  java.stderr.pipe(output, { end: false });
  java.on('exit', (code, signal) => {
    if (!ending && signal === null) console.error(readFileSync(logFile, 'utf8').slice(-TAIL));
    process.exit(ending ? 0 : (code ?? 1));
  });
  return java.pid;
}

/** Resolves once `isReady` says so, or it was told to end; fails with the log's end where it never is. */
export async function becomeReady(isReady, { withinMs, everyMs, logFile }) {
  const deadline = Date.now() + withinMs;
  while (!ending && !(await isReady())) {
    if (Date.now() > deadline) fail(`not ready after ${withinMs} ms:\n${readFileSync(logFile, 'utf8').slice(-TAIL)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
