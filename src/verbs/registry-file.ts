/** The registry as people write it down, for a replay, an evaluation and the demo: the file that `agent import` takes. */
import { readFileSync } from 'node:fs';
import { readAgentFile } from '../api/agent-file.js';
import { changesOf } from '../api/registration.js';
import type { AgentRow } from '../api/registration-schema.js';
import type { RowFormat, RowProblem } from '../api/row-file.js';
import { KilldeerError } from '../errors.js';
import type { RegistryImport } from '../pipeline/replayer.js';

const ROWS_MAX = 100_000;
const SHOWN_MAX = 10;

/** One agent, as people describe it. */
export type RegistryFileRow = AgentRow;

/** Throws 'usage', which names the file, the lines and the members. */
export function readRegistryFile(path: string): RegistryFileRow[] {
  const { rows, problems } = readAgentFile(readFileBytes(path), formatOfPath(path), ROWS_MAX);
  if (problems.length === 0) return rows.map(({ value }) => value);
  const told = problems.slice(0, SHOWN_MAX).map((problem) => problemText(path, problem));
  throw new KilldeerError('usage', `${path} is no list of agents: ${told.join('; ')}`);
}

/** What the row makes of an agent of which nothing was known. */
export function importOf({ agent, tenant, if_version: _, ...wish }: RegistryFileRow): RegistryImport {
  const nothing = { role: null, owner: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };
  return { agent, tenant, ...nothing, ...changesOf(wish, null) };
}

/** By its name: what does not end in .csv is JSON. */
export function formatOfPath(path: string): RowFormat {
  return path.toLowerCase().endsWith('.csv') ? 'csv' : 'json';
}

/** Throws 'usage', which names the file. */
export function readFileBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('usage', `${path} cannot be read: ${reason}`, error);
  }
}

export function problemText(path: string, { line, member, message }: RowProblem): string {
  return `${path}:${line} ${member === null ? '' : `${member} `}${message}`;
}
