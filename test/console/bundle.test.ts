/** What `npm run build` makes of the console. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConsoleFile, type ConsoleFiles, readConsole } from '../../src/api/console-files.js';
import { ROOT } from '../e2e/program.js';

/** All of it together, compressed as it is sent. */
const BYTES_MAX = 150_000;

function built(): ConsoleFiles {
  const folder = join(ROOT, 'dist/console');
  expect(existsSync(folder), `${folder}: npm run build makes it`).toBe(true);
  return readConsole(folder) as ConsoleFiles;
}

const sent = ({ gzip, bytes }: ConsoleFile) => (gzip ?? bytes).length;

describe('the built console', () => {
  it('is small', () => {
    const { page, assets } = built();
    expect([page, ...assets.values()].reduce((sum, file) => sum + sent(file), 0)).toBeLessThan(BYTES_MAX);
  });

  it('loads its own files alone, each under a name that changes with what it holds', () => {
    const { page, assets } = built();
    const html = page.bytes.toString();
    const named = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(named.length).toBe(assets.size);
    for (const address of named) {
      expect(address).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/);
      expect(assets.has(String(address).replace('/assets/', ''))).toBe(true);
    }
    expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
    for (const [name, { bytes }] of assets) {
      const addresses = bytes.toString().match(/https?:\/\/[\w.]+/g) ?? [];
      // Names of XML, which are no addresses to load from.
      expect([name, addresses.filter((address) => address !== 'http://www.w3.org')]).toEqual([name, []]);
    }
  });
});
