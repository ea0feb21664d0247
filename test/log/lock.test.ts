import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDirectory } from '../../src/log/lock.js';

describe('the lock of a directory', () => {
  let directory: string;
  const path = () => join(directory, 'lock');
  const holder = () => JSON.parse(readFileSync(path(), 'utf8'));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'killdeer-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is held by one, who is named to others, until released', () => {
    const lock = lockDirectory(directory);
    expect(holder()).toMatchObject({ pid: process.pid, host: hostname() });
    expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'log.locked' }));
    expect(() => lockDirectory(directory)).toThrow(`${directory} is held by this process on ${hostname()}`);
    lock.release();
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
    const again = lockDirectory(directory);
    // A lock released before says nothing about the one taken since.
    lock.release();
    expect(holder().pid).toBe(process.pid);
    again.release();
  });

  it('makes the directory', () => {
    const deeper = join(directory, 'a', 'b');
    lockDirectory(deeper).release();
    expect(readdirSync(deeper)).toEqual([]);
  });

  it('is taken over from a process that is dead', () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const lock = lockDirectory(directory);
    const left = { ...holder(), pid: dead };
    lock.release();
    writeFileSync(path(), JSON.stringify(left));
    const taken = lockDirectory(directory);
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(directory)).toEqual(['lock']);
    taken.release();
  });

  it('is taken over where its number belongs to another process by now, or where it cannot be read', () => {
    const lock = lockDirectory(directory);
    const left = holder();
    lock.release();
    for (const text of [
      JSON.stringify({ ...left, started: '1' }),
      JSON.stringify({ ...left, boot: 'before' }),
      '',
      '{}',
    ]) {
      writeFileSync(path(), text);
      lockDirectory(directory).release();
    }
  });

  it('is respected where the holder is alive, or is elsewhere and cannot be looked at', () => {
    const lock = lockDirectory(directory);
    const left = holder();
    lock.release();
    // Process 1 or the parent of this one: alive, and not us.
    writeFileSync(path(), JSON.stringify({ ...left, pid: process.ppid, started: null }));
    expect(() => lockDirectory(directory)).toThrow(`held by process ${process.ppid} on ${hostname()}`);
    writeFileSync(path(), JSON.stringify({ ...left, host: 'elsewhere', pid: 1 }));
    expect(() => lockDirectory(directory)).toThrow(/held by process 1 on elsewhere .*; if that is gone, remove/);
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('is not taken over by two at once', () => {
    const lock = lockDirectory(directory);
    const left = holder();
    lock.release();
    writeFileSync(path(), '');
    writeFileSync(join(directory, 'lock.takeover'), JSON.stringify({ ...left, host: 'elsewhere', pid: 7 }));
    expect(() => lockDirectory(directory)).toThrow(/is being taken over by process 7 on elsewhere/);
    expect(readFileSync(path(), 'utf8')).toBe('');
  });

  it('is released when the process exits', () => {
    const lock = lockDirectory(directory);
    const listeners = process.listeners('exit');
    (listeners.at(-1) as () => void)();
    expect(readdirSync(directory)).toEqual([]);
    lock.release();
  });
});
