/** `killdeer store`: the embedded ClickHouse, and questions to whichever ClickHouse holds the history. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import { PASSWORD_VARIABLE } from '../store/child.js';
import { gapStatus, placeStatus, tableStatus } from '../store/status.js';
import { createStore } from '../store/store.js';
import { type ReachedStore, reachStore, type StoreChoice, serveStore } from './store-access.js';
import { type QueryOptions, queryStore } from './store-query.js';
import { bytesText, count, spanText, type Terminal } from './terminal.js';
import { several, untilStopped, type VerbContext, wholeNumber } from './verb.js';

interface ServeOptions {
  readonly data: string;
  readonly port: number;
}

export function addStore(program: Command, { terminal }: VerbContext): void {
  const store = program
    .command('store')
    .description('history: the embedded ClickHouse of a data directory, and questions to it')
    .option('--data <dir>', 'data directory', 'data')
    .option('--port <n>', 'on loopback; 0: any free one', wholeNumber('--port', 0, 65_535), 0)
    // So that what follows a verb below belongs to that verb.
    .enablePositionalOptions()
    .action((options: ServeOptions) => serve(terminal, options));
  const verb = (name: string, words: string): Command =>
    store
      .command(name)
      .description(words)
      .option('--data <dir>', "data directory; the configuration's by default")
      .option('--config <file>', 'configuration')
      .option('--url <url>', 'of a ClickHouse server; its password from the variable that the configuration names');
  verb('query', 'ask the history; reads only')
    .argument('<sql>', 'one query; values stand as {name:Type}')
    .option('--param <name=value...>', 'a value', several)
    .option('--format <format>', 'any of ClickHouse; a table on a terminal and JSON Lines elsewhere by default')
    .action((sql: string, options: StoreChoice & QueryOptions) =>
      reached(options, (access) => queryStore(terminal, access, sql, options)),
    );
  verb('status', 'tables, how far they are, and what is missing').action((options: StoreChoice) =>
    reached(options, (access) => status(terminal, access)),
  );
}

/** Serves until it is told to stop, or until its parent is gone. */
async function serve(terminal: Terminal, { data, port }: ServeOptions): Promise<void> {
  const given = process.env[PASSWORD_VARIABLE];
  const hasParent = given !== undefined && given !== '';
  const stopped = hasParent ? untilOrphaned() : untilStopped();
  try {
    const served = await serveStore(resolve(data), port, hasParent ? given : drawPassword());
    try {
      const { url } = served.access;
      terminal.emit({ type: 'listening', url, pid: process.pid, version: served.version });
      terminal.say(`ClickHouse ${served.version} listens on ${url}; killdeer store query asks it`);
      await stopped;
    } finally {
      await served.close();
    }
  } catch (error) {
    if (error instanceof KilldeerError) terminal.emit({ type: 'failed', code: error.code, message: error.message });
    throw error;
  } finally {
    // It would keep the process.
    if (hasParent) process.stdin.destroy();
  }
}

/** The parent holds the other end of standard input, and with its death it closes. */
async function untilOrphaned(): Promise<void> {
  // Nobody hears what is said from then on, and that must not end it before its tables are closed.
  process.stderr.on('error', () => undefined);
  // Ctrl-C reaches the whole terminal; the parent still has rows to store, and says when to end.
  process.on('SIGINT', () => undefined);
  await new Promise<void>((done) => {
    process.once('SIGTERM', done);
    process.stdin.on('end', done);
    process.stdin.on('error', () => done());
    process.stdin.resume();
  });
}

async function reached(choice: StoreChoice, use: (store: ReachedStore) => Promise<void>): Promise<void> {
  const store = await reachStore(choice, drawPassword);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

async function status(terminal: Terminal, { access, config }: ReachedStore): Promise<void> {
  const store = createStore(config, access);
  try {
    const tables = await tableStatus(store);
    const places = await placeStatus(store);
    const gaps = await gapStatus(store);
    terminal.emit({ type: 'status', store: store.name, database: store.database, tables, places, gaps });
    terminal.table(
      ['table', 'rows', 'size'],
      tables.map(({ table, rows, bytes }) => [table, count(rows), bytesText(bytes)]),
      [1, 2],
    );
    const nowMs = Date.now();
    terminal.table(
      ['table', 'topic', 'partition', 'position', 'newest row'],
      places.map(({ table, topic, partition, position, storedMs }) => {
        return [table, topic, partition, count(position), `${spanText(Math.max(0, nowMs - storedMs))} ago`];
      }),
      [2, 3],
    );
    for (const { topic, partition, kind, first, next, reason } of gaps) {
      terminal.say(terminal.paint.yellow(`${kind}: ${topic}/${partition} from ${first} to ${next - 1}: ${reason}`));
    }
  } finally {
    await store.close();
  }
}

function drawPassword(): string {
  return randomBytes(24).toString('base64url');
}
