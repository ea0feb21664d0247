/** What a sink gave up, on this machine: JSON Lines, bounded; the older half goes first. */
import type { Files } from '../log/files.js';
import { inertJson } from '../render/inert.js';
import type { Written } from './contract.js';
import { LineFile } from './line-file.js';

export interface DeadLetters {
  /** Never rejects: what cannot be kept is told to `onFault`. */
  append(lines: readonly string[]): Promise<void>;
  /** Written by this process and not set aside, bytes. */
  readonly bytes: number;
  close(): Promise<void>;
}

export function openDeadLetters(
  files: Files,
  path: string,
  bytesMax: number,
  onFault: (error: unknown) => void,
): DeadLetters {
  const file = new LineFile({ files, path, bytesMax: Math.floor(bytesMax / 2), keep: 1 });
  return {
    append: (lines) => file.append(lines).catch(onFault),
    get bytes() {
      return file.size;
    },
    close: () => file.close(),
  };
}

/** A line: what was given up, when and why. */
export function deadLetterOf(sink: string, { key, timeMs, value }: Written, reason: string, nowMs: number): string {
  return inertJson({ sink, key, time_ms: timeMs, given_up_ms: nowMs, reason, value });
}
