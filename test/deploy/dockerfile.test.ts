import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseCommand } from './command-line.js';
import { ROOT } from './compose.js';

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** Instructions of a Dockerfile, comments dropped and continued lines joined. */
function parseDockerfile(text: string): Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  return lines.flatMap((line) => {
    const match = /^\s*([A-Za-z]+)\s+(.*)$/.exec(line);
    return match === null ? [] : [{ word: (match[1] as string).toUpperCase(), rest: (match[2] as string).trim() }];
  });
}

const instructions = parseDockerfile(readFileSync(`${ROOT}Dockerfile`, 'utf8'));
const rests = (word: string) => instructions.filter((one) => one.word === word).map(({ rest }) => rest);
/** Of the image that is made, not of the stages before it. */
const last = instructions.slice(instructions.findLastIndex(({ word }) => word === 'FROM'));
const lastOf = (word: string) => last.findLast((one) => one.word === word)?.rest;

describe('the Dockerfile', () => {
  it('holds only instructions that there are', () => {
    const known = [
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'ENV',
      'USER',
      'VOLUME',
      'EXPOSE',
      'HEALTHCHECK',
      'ENTRYPOINT',
      'CMD',
    ];
    expect(instructions.length).toBeGreaterThan(15);
    for (const { word } of instructions) expect(known).toContain(word);
  });

  it('starts from one slim Node 24, pinned to a version', () => {
    const images = rests('FROM').map((rest) => rest.split(' ')[0]);
    expect(images.length).toBeGreaterThan(1);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:24\.\d+\.\d+-[a-z]+-slim$/);
  });

  it('copies only what is there and what the builder is sent', () => {
    const sent = readFileSync(`${ROOT}.dockerignore`, 'utf8').split('\n');
    expect(sent.filter((line) => !line.startsWith('#'))[0]).toBe('*');
    const copied = rests('COPY').filter((rest) => !rest.startsWith('--from='));
    expect(copied.length).toBeGreaterThan(4);
    for (const rest of copied) {
      for (const source of rest.split(/\s+/).slice(0, -1)) {
        expect(existsSync(`${ROOT}${source}`), source).toBe(true);
        expect(sent).toContain(`!${source.split('/')[0]}`);
      }
    }
    const stages = rests('FROM').flatMap((rest) => / AS (\w+)$/.exec(rest)?.[1] ?? []);
    for (const [, stage] of rests('COPY')
      .join('\n')
      .matchAll(/--from=(\w+)/g))
      expect(stages).toContain(stage);
  });

  it('brings along what the package is made of but its recordings, and of deploy what runs inside', () => {
    const { files } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { files: string[] };
    const copied = last.filter(({ word }) => word === 'COPY').map(({ rest }) => rest);
    const parts = files.filter((one) => one !== 'replay' && one !== 'deploy');
    for (const part of [...parts, 'deploy/health.mjs']) {
      expect(
        copied.some((rest) => rest.endsWith(` ./${part}`)),
        part,
      ).toBe(true);
    }
  });

  it('fetches nothing by itself and runs no script of a package', () => {
    expect(instructions.some(({ word }) => word === 'ADD')).toBe(false);
    for (const rest of rests('RUN')) expect(rest).not.toMatch(/curl|wget|https?:/);
    const installs = rests('RUN').filter((rest) => rest.startsWith('npm ci'));
    expect(installs).toHaveLength(2);
    for (const rest of installs) expect(rest).toContain('--ignore-scripts');
  });

  it('runs as a number that is not root, with its data in a volume', () => {
    expect(lastOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const place = last.findIndex(({ word }) => word === 'USER');
    expect(last.slice(place).some(({ word }) => word === 'RUN' || word === 'COPY')).toBe(false);
    expect(JSON.parse(lastOf('VOLUME') ?? '')).toEqual(['/var/lib/killdeer']);
  });

  it('starts with a verb and options of the program', () => {
    expect(JSON.parse(lastOf('ENTRYPOINT') ?? '')).toEqual(['node', 'dist/main.js']);
    const command = JSON.parse(lastOf('CMD') ?? '') as string[];
    expect(parseCommand(command)).toMatchObject({ verb: 'run', options: { data: '/var/lib/killdeer' } });
  });

  it('asks for its health', () => {
    const command = /CMD (\[.*\])$/.exec(lastOf('HEALTHCHECK') ?? '')?.[1] ?? '';
    expect(JSON.parse(command)).toEqual(['node', 'deploy/health.mjs']);
  });
});

describe('the health check', () => {
  let server: Server | null = null;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = null;
  });

  /** The port of a process that answers /healthz with this status, and 404 otherwise. */
  async function answering(status: number): Promise<number> {
    server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function checked(...ports: number[]): Promise<number> {
    const child = spawn(process.execPath, [`${ROOT}deploy/health.mjs`, ...ports.map(String)], { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number];
    return code;
  }

  /** Nobody listens there: it is no port of a service, and taking it needs rights. */
  const NOBODY = 1;

  it('is content with one of the ports, and with nothing less than 200', async () => {
    expect(await checked(NOBODY)).toBe(1);
    expect(await checked(NOBODY, await answering(200))).toBe(0);
    server?.close();
    expect(await checked(await answering(503))).toBe(1);
  });
});
