import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeFiles } from '../../src/log/files.js';
import { LineFile } from '../../src/sinks/line-file.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'killdeer-lines-'));
  path = join(dir, 'deep/alerts.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (bytesMax = 1_000_000, keep = 2) => new LineFile({ files: nodeFiles, path, bytesMax, keep });

it('grows over several lives, and cuts off a line that a crash left torn', async () => {
  const first = open();
  await first.append(['{"a":1}', '{"a":2}']);
  await first.close();
  appendFileSync(path, '{"torn');
  const second = open();
  await second.append(['{"a":3}']);
  await second.close();
  expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
});

it('cuts off a torn beginning too', async () => {
  const file = open();
  await file.append(['x']);
  await file.close();
  writeFileSync(path, 'y'.repeat(200_000));
  const next = open();
  await next.append(['z']);
  await next.close();
  expect(readFileSync(path, 'utf8')).toBe('z\n');
});

it('is set aside as it grows, and the oldest go', async () => {
  const file = open(10, 2);
  for (const line of ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd']) await file.append([line]);
  await file.close();
  const read = (name: string) => readFileSync(name, 'utf8').trim();
  expect([read(path), read(`${path}.1`), read(`${path}.2`)]).toEqual(['dddddddd', 'cccccccc', 'bbbbbbbb']);
  expect(existsSync(`${path}.3`)).toBe(false);
});

it('keeps none where none is wanted', async () => {
  const file = open(10, 0);
  for (const line of ['aaaaaaaa', 'bbbbbbbb']) await file.append([line]);
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('bbbbbbbb\n');
  expect(existsSync(`${path}.1`)).toBe(false);
});
