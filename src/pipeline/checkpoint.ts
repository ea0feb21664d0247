/**
 * A checkpoint: one file from which a run goes on exactly, whole or not there at all.
 *
 * Layout: 8 bytes of magic, format and header length (u32, little-endian), the header as JSON, the binary sections in
 * the header's order, and the SHA-256 of everything before it. The header names what the checkpoint belongs to.
 */
import { createHash } from 'node:crypto';
import { KilldeerError } from '../errors.js';
import { type AtomicStep, readWhole, writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';
import { type Failpoint, failpoint } from './failpoint.js';

export interface Checkpoint {
  /** Digests of what it was made with, by name ('config', 'recording'); see requireBelongs. */
  readonly belongs: Readonly<Record<string, string>>;
  /** Offsets, counts and whatever else is plain JSON. */
  readonly header: unknown;
  /** Bytes by name, for what is large. */
  readonly sections: Readonly<Record<string, Uint8Array>>;
}

interface Head {
  readonly belongs: Readonly<Record<string, string>>;
  readonly header: unknown;
  readonly sections: readonly (readonly [name: string, bytes: number])[];
}

const MAGIC = new TextEncoder().encode('KILLDEER');
/** Changes with this file's layout. */
const FORMAT = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const DIGEST_BYTES = 32;

/**
 * Replaces the checkpoint at `path`; returns its size, bytes. Rejects with 'log.disk-full', 'log.fsync-failed' or
 * 'log.write-failed'; the checkpoint before it then still stands. One writer per path is the caller's duty.
 */
export async function writeCheckpoint(
  files: Files,
  path: string,
  checkpoint: Checkpoint,
  pass: Failpoint = failpoint,
): Promise<number> {
  const bytes = encode(checkpoint);
  pass('checkpoint-begin');
  await writeAtomic(files, path, bytes, (step: AtomicStep) => {
    if (step === 'synced') pass('checkpoint-written');
    if (step === 'renamed') pass('checkpoint-renamed');
  });
  return bytes.length;
}

/** The checkpoint at `path`, null where there is none. Rejects with 'checkpoint.corrupt', which names the file. */
export async function readCheckpoint(files: Files, path: string): Promise<Checkpoint | null> {
  const bytes = await readWhole(files, path);
  return bytes === null ? null : decode(path, bytes);
}

/**
 * The header alone, for choosing among several checkpoints; its digest is not checked. null where there is none, or
 * none that this version reads.
 */
export async function readCheckpointHeader(files: Files, path: string): Promise<unknown> {
  try {
    const file = await files.open(path, 'read');
    try {
      const prefix = new Uint8Array(PREFIX_BYTES);
      if ((await file.read(prefix, 0)) < PREFIX_BYTES || MAGIC.some((byte, i) => prefix[i] !== byte)) return null;
      const view = new DataView(prefix.buffer);
      if (view.getUint32(MAGIC.length, true) !== FORMAT) return null;
      const json = new Uint8Array(view.getUint32(MAGIC.length + 4, true));
      await file.read(json, PREFIX_BYTES);
      return (JSON.parse(new TextDecoder().decode(json)) as Head).header;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** Throws 'checkpoint.mismatch' where the checkpoint was made with something else; the message names what differs. */
export function requireBelongs(path: string, checkpoint: Checkpoint, belongs: Readonly<Record<string, string>>): void {
  const names = new Set([...Object.keys(belongs), ...Object.keys(checkpoint.belongs)]);
  const differing = [...names].filter((name) => belongs[name] !== checkpoint.belongs[name]);
  if (differing.length === 0) return;
  throw new KilldeerError('checkpoint.mismatch', `${path} was made with another ${differing.join(' and another ')}`);
}

/** JSON as a section. */
export function jsonSection(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A section that jsonSection made. Throws 'checkpoint.corrupt' where it is missing. */
export function readJsonSection(path: string, checkpoint: Checkpoint, name: string): unknown {
  return JSON.parse(new TextDecoder().decode(sectionOf(path, checkpoint, name)));
}

/** A section's bytes. Throws 'checkpoint.corrupt' where it is missing. */
export function sectionOf(path: string, checkpoint: Checkpoint, name: string): Uint8Array {
  const bytes = checkpoint.sections[name];
  if (bytes === undefined) throw new KilldeerError('checkpoint.corrupt', `${path} has no section ${name}`);
  return bytes;
}

function encode({ belongs, header, sections }: Checkpoint): Uint8Array {
  const named = Object.entries(sections);
  const head: Head = { belongs, header, sections: named.map(([name, bytes]) => [name, bytes.length]) };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const size = named.reduce((sum, [, bytes]) => sum + bytes.length, PREFIX_BYTES + json.length);
  const out = new Uint8Array(size + DIGEST_BYTES);
  const view = new DataView(out.buffer);
  out.set(MAGIC, 0);
  view.setUint32(MAGIC.length, FORMAT, true);
  view.setUint32(MAGIC.length + 4, json.length, true);
  out.set(json, PREFIX_BYTES);
  let at = PREFIX_BYTES + json.length;
  for (const [, bytes] of named) {
    out.set(bytes, at);
    at += bytes.length;
  }
  out.set(createHash('sha256').update(out.subarray(0, size)).digest(), size);
  return out;
}

function decode(path: string, bytes: Uint8Array): Checkpoint {
  const corrupt = (what: string) => new KilldeerError('checkpoint.corrupt', `${path}: ${what}`);
  const size = bytes.length - DIGEST_BYTES;
  if (size < PREFIX_BYTES) throw corrupt(`${bytes.length} bytes are too few`);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw corrupt('it is no checkpoint');
  const digest = createHash('sha256').update(bytes.subarray(0, size)).digest();
  if (!digest.equals(bytes.subarray(size))) throw corrupt('its digest does not match its bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const format = view.getUint32(MAGIC.length, true);
  if (format !== FORMAT) throw corrupt(`its format is ${format}, this version reads ${FORMAT}`);
  let at = PREFIX_BYTES + view.getUint32(MAGIC.length + 4, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, at))) as Head;
  const sections: Record<string, Uint8Array> = {};
  for (const [name, length] of head.sections) {
    // A copy, so that a section's bytes start where typed arrays may.
    sections[name] = bytes.slice(at, at + length);
    at += length;
  }
  return { belongs: head.belongs, header: head.header, sections };
}
