/**
 * The plan of the house: every room of src/, what it may see, and whether it is pure. biome.json says the same where
 * the linter can; the house test proves both on files that break each rule.
 */

export interface Room {
  /**
   * Rooms that it may import: a room's name for all of it, `room/file` for one file (a contract), `room (types)` for
   * types alone. Its own files are always seen.
   */
  readonly sees: readonly string[];
  /** No clock, no randomness but a seeded generator, no I/O, no console, no async. */
  readonly pure: boolean;
  /** Packages that a pure room may import; the others may import any. */
  readonly packages?: readonly string[];
}

const pure = (sees: readonly string[], packages: readonly string[] = []): Room => ({ sees, pure: true, packages });
const open = (sees: readonly string[]): Room => ({ sees, pure: false });

const CONTRACTS = ['log/log', 'registry/registry', 'engine/contract', 'engine/record', 'engine/outcome'];
/** The log, the file calls beneath it, and whole files on top of them. */
const DURABLE = ['log/log', 'log/files', 'log/atomic-file'];

/** Rooms and root files of src/, by name. */
export const ROOMS: Readonly<Record<string, Room>> = {
  errors: pure([]),
  math: pure([]),
  event: pure(['math', 'errors'], ['zod', 'protobufjs/minimal.js']),
  agent: pure(['math', 'event', 'errors']),
  detect: pure(['math', 'event', 'agent', 'errors']),
  score: pure(['math', 'event', 'agent', 'detect', 'errors']),
  decide: pure(['math', 'event', 'agent', 'detect', 'score', 'errors'], ['zod', 'yaml']),
  engine: pure(['math', 'event', 'agent', 'detect', 'score', 'decide', 'errors'], ['zod']),
  learn: pure(['math', 'event', 'agent', 'detect', 'score', 'engine (types)', 'errors'], ['zod']),
  simulate: pure(['math', 'event', 'errors']),
  tune: pure(['math', 'event', 'decide (types)', 'errors'], ['zod']),
  registry: pure(['math', 'event', 'decide', 'engine (types)', ...DURABLE, 'errors'], ['zod']),
  triage: pure(['math', 'event', 'decide', 'engine (types)', 'registry/registry', 'errors'], ['zod']),
  render: pure(['event', 'decide', 'registry/registry', 'triage', 'errors'], ['hyparquet-writer']),
  custody: pure([...DURABLE, 'errors']),
  log: open(['math', 'errors']),
  pipeline: open([
    ...['math', 'event', 'agent', 'detect', 'score', 'decide', 'engine', 'learn', 'simulate'],
    ...[...DURABLE, 'registry/registry', 'config', 'telemetry', 'errors'],
  ]),
  api: open([
    ...[
      'event',
      'agent/lineage',
      'connect/status',
      'sinks/status',
      'decide',
      'engine/partition',
      ...CONTRACTS,
      'registry/report',
    ],
    ...['custody/jcs', 'custody/seal', 'triage/triage', 'render', 'config', 'telemetry', 'errors'],
  ]),
  store: open(['event', 'decide', 'engine', ...CONTRACTS, 'config', 'telemetry', 'errors']),
  connect: open(['decide', 'registry/registry', 'engine/record', 'errors']),
  sinks: open([
    'decide',
    'registry/registry',
    'triage/triage',
    'render',
    'connect',
    'log/log',
    'log/files',
    'log/atomic-file',
    'errors',
  ]),
  config: open([
    'api/section',
    'connect/section',
    'sinks/section',
    'triage/section',
    'math',
    'event',
    'agent',
    'detect',
    'score',
    'decide',
    'engine',
    'errors',
  ]),
  telemetry: open(['errors']),
  // Pages for a browser: of the server they know what its answers look like, and nothing else.
  console: open(['api (types)']),
  index: open([
    ...['math', 'event', 'agent', 'detect', 'score', 'decide', 'engine', 'learn', 'simulate', 'registry'],
    ...['log/log', 'api/registry-copy', 'config', 'errors'],
  ]),
  // What main.ts is made of, one file a verb: no other room names it, so nobody but main.ts may import it.
  verbs: open(['*']),
  main: open(['*']),
};

/**
 * Files that wire concrete adapters together and so may import anything: the program, and the entry of a worker
 * thread, which is a program of its own. biome.json exempts the same.
 */
export const MAINS: readonly string[] = ['src/main.ts', 'src/pipeline/worker.ts', 'src/pipeline/kafka-worker.ts'];

/** Files of pure rooms that do I/O all the same: the registry is pure in its fold alone, custody but for its keys. */
export const OPEN_FILES: readonly string[] = [
  'src/registry/journal.ts',
  'src/registry/tokens.ts',
  'src/custody/signing-key.ts',
];

/** Name of the room (or root file) that a path under src/ belongs to; null outside src/. */
export function roomOf(path: string): string | null {
  const parts = path.split('/');
  return parts[0] === 'src' ? parts[1].replace(/\.ts$/, '') : null;
}

/** Whether the file must be pure. */
export function isPure(path: string): boolean {
  const room = roomOf(path);
  return room !== null && ROOMS[room]?.pure === true && !OPEN_FILES.includes(path) && !MAINS.includes(path);
}
