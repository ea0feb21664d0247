/** What docs/operations.md says of damage: told with the file's name, and mended as it says. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshDirectory, run } from './program.js';
import { Server, type Status } from './server.js';
import { callOf, loopOf } from './traffic.js';

const calls = (from: number, count: number) => Array.from({ length: count }, (_, i) => callOf(`e-${from + i}`, 'crm'));

/** A server that has found something and ended in order. */
async function endedServer(): Promise<Server> {
  const server = await Server.start();
  const bound = await server.makeToken('crm', ['ingest'], ['crm']);
  expect(await server.send([...calls(0, 50), ...loopOf('crm', 60)], bound)).toMatchObject({ status: 202 });
  expect(await server.settled()).toMatchObject({ scored: 110 });
  expect(await server.program.stop()).toMatchObject({ code: 0 });
  return server;
}

async function restarted(server: Server): Promise<Status> {
  server.respawn();
  await server.started();
  return server.status();
}

it('a spoilt checkpoint keeps its partition down, says which file, and is made anew once it is removed', async () => {
  const server = await endedServer();
  const checkpoint = join(server.data, 'partitions/0/checkpoint.ckpt');
  const bytes = readFileSync(checkpoint);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(checkpoint, bytes);
  const { partitions } = await restarted(server);
  expect(partitions).toMatchObject([{ state: 'down', fault: expect.stringContaining('checkpoint.ckpt') }]);
  expect((await server.ask('/readyz', { token: null })).status).toBe(503);
  // The process is there for people and gateways all the same.
  expect((await server.decide('crm')).body).toMatchObject({ allow: true });
  expect(await server.ask('/v1/agents/crm/stop', { json: { action: 'suspend', reason: 'blind' } })).toMatchObject({
    body: { effect: 'applied' },
  });
  await server.program.stop();

  const before = readFileSync(join(server.data, 'log/findings-0/0/00000000000000000000.jsonl'));
  rmSync(checkpoint);
  await restarted(server);
  expect(await server.settled()).toMatchObject({ events: 110, scored: 110 });
  expect(await server.send(calls(0, 50), await server.makeToken('crm', ['ingest'], ['crm']))).toMatchObject({
    status: 202,
  });
  expect(await server.settled()).toMatchObject({ scored: 110, duplicates: 50 });
  expect((await server.decide('crm')).body).toMatchObject({ allow: false, status: 'suspended' });
  await server.program.stop();
  // Executed again, said once.
  expect(readFileSync(join(server.data, 'log/findings-0/0/00000000000000000000.jsonl'))).toEqual(before);
});

it('a spoilt record of the registry keeps the server from starting: passing over it could be passing over a stop', async () => {
  const server = await endedServer();
  const file = join(server.data, 'log/registry/0/00000000000000000000.jsonl');
  const bytes = readFileSync(file);
  bytes[bytes.indexOf('"policy"') + 2] ^= 1;
  writeFileSync(file, bytes);
  const { code, err } = await run(['run', '--data', server.data, '--port', '0', '--no-history']);
  expect(code).toBe(1);
  expect(err).toMatch(/^killdeer: log\.corrupt: .*registry.*\n {2}next: restore/);
});

it('tokens that are lost are made anew once both files are gone', async () => {
  const server = await endedServer();
  const before = readFileSync(join(server.data, 'tokens.json'), 'utf8');
  writeFileSync(join(server.data, 'token-hashes.json'), '{');
  const { code, err } = await run(['run', '--data', server.data, '--port', '0', '--no-history']);
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^killdeer: registry\.tokens-unreadable: .*token-hashes/),
  });
  rmSync(join(server.data, 'token-hashes.json'));
  rmSync(join(server.data, 'tokens.json'));
  await restarted(server);
  expect(readFileSync(join(server.data, 'tokens.json'), 'utf8')).not.toBe(before);
  expect((await server.ask('/v1/status', { token: (JSON.parse(before) as { admin: string }).admin })).status).toBe(401);
});

it('a copy of the directory, lock and all, is a server of its own', async () => {
  const server = await endedServer();
  await restarted(server);
  await server.program.kill();
  const data = join(freshDirectory(), 'copy');
  expect(spawnSync('cp', ['-R', server.data, data]).status).toBe(0);
  const copy = await Server.start({ data });
  expect(await copy.settled()).toMatchObject({ events: 110, scored: 110 });
  expect((await copy.ask('/v1/findings')).body.findings.length).toBeGreaterThan(0);
});
