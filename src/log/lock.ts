/**
 * One process per data directory. The lock is a small file that names its holder, so that whoever is refused can say
 * by whom. A process that died leaves it behind: the next one sees that the holder is gone and takes it over.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KilldeerError } from '../errors.js';
import { isDiskFull } from './files.js';

export interface DirectoryLock {
  /** Gives the directory free; done at the process's exit as well. Calling it again does nothing. */
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** The system's start time of the process, in its own unit; null where the system does not tell. */
  readonly started: string | null;
  readonly host: string;
  /** Which boot of the machine and which process namespace (container) the pid belongs to; null as above. */
  readonly boot: string | null;
  readonly namespace: string | null;
  /** When the lock was taken, for a person. */
  readonly since: string;
}

const LOCK = 'lock';
/** Held for the moments of taking over a dead process's lock, so that two cannot do so at once. */
const TAKEOVER = 'lock.takeover';

/**
 * Takes the directory, making it for its owner alone where needed. Throws 'log.locked', naming the holder, and
 * 'log.disk-full' or 'log.write-failed' where nothing can be written there.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, LOCK);
  const self = describeSelf();
  // Complete before it gets its name: nobody can meet a half-written lock.
  const own = join(directory, `${LOCK}.${randomBytes(8).toString('hex')}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(own, `${JSON.stringify(self)}\n`);
  } catch (error) {
    orNull(() => unlinkSync(own));
    const code = isDiskFull(error) ? 'log.disk-full' : 'log.write-failed';
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError(code, `nothing can be written into ${directory}: ${reason}`, error);
  }
  try {
    if (!tryLink(own, path)) takeOver(directory, own, path);
  } finally {
    unlinkSync(own);
  }
  return createLock(path, self);
}

function createLock(path: string, self: Holder): DirectoryLock {
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    process.off('exit', release);
    const holder = readHolder(path);
    if (holder?.pid === self.pid && holder.since === self.since && holder.host === self.host) unlinkSync(path);
  };
  process.on('exit', release);
  return { release };
}

/** Replaces the lock of a process that is gone; throws 'log.locked' where it is not, or where that cannot be told. */
function takeOver(directory: string, own: string, path: string): void {
  refuseIfHeld(directory, readHolder(path));
  const guard = join(directory, TAKEOVER);
  if (!tryLink(own, guard)) {
    const words = `${directory} is being taken over by ${nameHolder(readHolder(guard))}; if that is gone, remove ${guard}`;
    throw new KilldeerError('log.locked', words);
  }
  try {
    // Looked at once more: another may have taken it over between our first look and the guard.
    const holder = readHolder(path);
    refuseIfHeld(directory, holder);
    if (holder !== null || readdirSync(directory).includes(LOCK)) unlinkSync(path);
    if (!tryLink(own, path)) refuseIfHeld(directory, readHolder(path), true);
  } finally {
    unlinkSync(guard);
  }
}

function refuseIfHeld(directory: string, holder: Holder | null, surely = false): void {
  if (!surely && (holder === null || isGone(holder))) return;
  const advice =
    holder !== null && holder.host !== hostname() ? `; if that is gone, remove ${join(directory, LOCK)}` : '';
  throw new KilldeerError('log.locked', `${directory} is held by ${nameHolder(holder)}${advice}`);
}

function nameHolder(holder: Holder | null): string {
  if (holder === null) return 'another process';
  const who = holder.pid === process.pid && holder.host === hostname() ? 'this process' : `process ${holder.pid}`;
  return `${who} on ${holder.host} since ${holder.since}`;
}

/** Only where it is certain: a process on another machine or in another container cannot be looked at from here. */
function isGone(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  // The same host name, but the machine or the container was started anew since.
  if (holder.boot !== bootId() || holder.namespace !== pidNamespace()) return true;
  if (!isRunning(holder.pid)) return true;
  // The system gives numbers of dead processes to new ones.
  return holder.started !== null && holder.started !== startTime(holder.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function describeSelf(): Holder {
  return {
    pid: process.pid,
    started: startTime(process.pid),
    host: hostname(),
    boot: bootId(),
    namespace: pidNamespace(),
    since: new Date().toISOString(),
  };
}

/** Null where there is no lock or not one that we wrote. */
function readHolder(path: string): Holder | null {
  const text = orNull(() => readFileSync(path, 'utf8'));
  const value = text === null ? null : orNull(() => JSON.parse(text) as Partial<Holder> | null);
  if (typeof value?.pid !== 'number' || typeof value.host !== 'string' || typeof value.since !== 'string') return null;
  const { pid, host, since, started = null, boot = null, namespace = null } = value;
  return { pid, host, since, started, boot, namespace };
}

function bootId(): string | null {
  return orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function pidNamespace(): string | null {
  return orNull(() => readlinkSync('/proc/self/ns/pid'));
}

/** Field 22 of proc(5)'s stat, clock ticks after boot; null for a dead process that its parent has not noticed. */
function startTime(pid: number): string | null {
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === null) return null;
  // Counted from behind the process's name, which may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function orNull<T>(attempt: () => T): T | null {
  try {
    return attempt();
  } catch {
    return null;
  }
}
