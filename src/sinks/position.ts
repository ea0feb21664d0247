/**
 * How far a sink is: what it has taken of the findings and of the registry, what it was just sending, and what it holds
 * back. Kept in a file where one process serves a data directory; among several, where another process may go on, in the
 * registry's log, which all of them follow.
 */
import type { Draft } from '../connect/outbox.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';
import type { Held, PagedHour } from './page-budget.js';

/** Next to read: of each partition of the findings, and of the registry. */
export interface Place {
  readonly findings: readonly number[];
  readonly registry: number;
}

export interface Position {
  readonly at: Place;
  /** What is being sent, taken from `at` up to here; null: nothing is. */
  readonly sending: Place | null;
  readonly held: readonly Held[];
  /** Held back beyond those that are named. */
  readonly more: number;
  /** Since when something is held, ms. */
  readonly heldSinceMs: number;
  /** A digest of `held` is being sent. */
  readonly isDigesting: boolean;
  readonly paged: readonly PagedHour[];
}

/** Where a sink's position is kept. */
export interface PositionStore {
  /** null: the sink is new. */
  read(name: string): Promise<Position | null>;
  /** Resolves once durable. */
  write(name: string, position: Position): Promise<void>;
}

export function createPosition(at: Place): Position {
  return { at, sending: null, held: [], more: 0, heldSinceMs: 0, isDigesting: false, paged: [] };
}

/** NAME.position.json in a folder. */
export function createFilePositions(files: Files, folder: string): PositionStore {
  const pathOf = (name: string): string => `${folder}/${name}.position.json`;
  return {
    read: async (name) => {
      const bytes = await readWhole(files, pathOf(name));
      return bytes === null ? null : parsePosition(Buffer.from(bytes).toString('utf8'));
    },
    write: async (name, position) => {
      await files.mkdir(folder);
      await writeAtomic(files, pathOf(name), Buffer.from(JSON.stringify(position)));
    },
  };
}

/** Of a text that this room wrote; null: it is none. */
export function parsePosition(text: string): Position | null {
  try {
    const position = JSON.parse(text) as Partial<Position>;
    const isOne = Array.isArray(position.at?.findings) && typeof position.at.registry === 'number';
    return isOne ? { ...createPosition(position.at as Place), ...position } : null;
  } catch {
    return null;
  }
}

/** Of the `told` records that carry positions. */
export function placeNameOf(name: string): string {
  return `sink:${name}`;
}

/** In records of the registry's log. `write` resolves once one is durable. */
export function createToldPositions(
  recall: (name: string) => Position | null,
  write: (draft: Draft) => Promise<unknown>,
): PositionStore {
  return {
    read: async (name) => recall(name),
    write: async (name, position) => {
      const by = { actor: 'system', authority: placeNameOf(name), parent: null };
      const keys = [JSON.stringify(position)];
      await write({ type: 'told', place: placeNameOf(name), keys, state: 'sent', reason: null, ...by });
    },
  };
}
