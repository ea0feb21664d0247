/**
 * The announced end of a partition, a file of 42 bytes: written over in place after each fsync and never synced
 * itself. It tells followers in other threads and processes what is durable, and tells recovery what was
 * acknowledged, unless the machine went down before the system wrote it out: then it lags, it never leads.
 */
import { join } from 'node:path';
import type { Files, OpenFile } from './files.js';

const MARKER = 'durable-end';
const MARKER_PATTERN = /^(\d{20}) (\d{20})\n$/;

export async function openMarker(files: Files, directory: string, mode: 'read' | 'write'): Promise<OpenFile> {
  const path = join(directory, MARKER);
  if (mode === 'read') return files.open(path, 'read');
  const names = (await files.readdir(directory)) ?? [];
  return files.open(path, names.includes(MARKER) ? 'write' : 'create');
}

/** The end that the marker announces; null where it is empty or half written. */
export async function readMarker(marker: OpenFile): Promise<number | null> {
  const bytes = Buffer.alloc(42);
  const length = await marker.read(bytes, 0);
  const match = MARKER_PATTERN.exec(bytes.toString('latin1', 0, length));
  // Written twice: a reader that meets a write under way sees two different numbers.
  return match === null || match[1] !== match[2] ? null : Number(match[1]);
}

/** Announces that everything below `end` is durable. */
export async function writeMarker(marker: OpenFile, end: number): Promise<void> {
  const digits = String(end).padStart(20, '0');
  await marker.write([Buffer.from(`${digits} ${digits}\n`, 'latin1')], 0);
}
