/** Alerts of a live server go out to files of each format and to an address, through a kill, and it says how they fare. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openReceiver, SECRET, type Taken } from '../sinks/receiver.js';
import { freshDirectory, run, until, valuesOf } from './program.js';
import { Server } from './server.js';
import { loopOf } from './traffic.js';

const PAUSES = { retry_first: 50, retry_most: 200, batch: { wait: 50 } };

interface Told {
  readonly key: string;
  readonly type: string;
  readonly finding: { readonly id: string; readonly agent: string };
}

interface Row {
  readonly name: string;
  readonly backlog: number | null;
  readonly sent: number;
}

function itemsOf(messages: readonly Taken[]): Told[] {
  return messages.flatMap(({ body }) => (body as { data: { items: Told[] } }).data.items);
}

async function rowsOf(server: Server): Promise<Row[]> {
  const { body } = await server.ask('/v1/sinks');
  return body.sinks as Row[];
}

describe('the sinks of a live server', () => {
  it('carry each page out in every format, and go on after a kill', async () => {
    const receiver = await openReceiver();
    onTestFinished(() => receiver.close());
    const config = join(freshDirectory(), 'config.yaml');
    const sinks = [
      ...['json', 'ocsf', 'text'].map((format) => ({ ...PAUSES, name: `file-${format}`, kind: 'file', format })),
      {
        ...PAUSES,
        name: 'desk',
        kind: 'webhook',
        url: receiver.url,
        secret_env: 'KILLDEER_TEST_SECRET',
        updates: true,
      },
    ];
    writeFileSync(config, JSON.stringify({ sinks }));
    const server = await Server.start({ words: ['--config', config], env: { KILLDEER_TEST_SECRET: SECRET } });
    const pathOf = (format: string) => join(server.data, 'sinks', `file-${format}.jsonl`);
    const linesOf = <T = Record<string, unknown>>(format: string): T[] =>
      existsSync(pathOf(format)) ? valuesOf<T>(readFileSync(pathOf(format), 'utf8')) : [];
    const tellsOf = (agent: string) => async () => {
      // It began as a notice, which these sinks do not tell.
      const isTold = (told: Told) => told.type === 'finding.risen' && told.finding.agent === agent;
      const text = [linesOf('ocsf'), linesOf('text')].every((lines) => JSON.stringify(lines).includes(agent));
      return text && linesOf<Told>('json').some(isTold) && itemsOf(receiver.taken).some(isTold);
    };
    // What comes after that is told.
    await server.until('they began', async () => (await rowsOf(server)).every(({ backlog }) => backlog === 0));
    expect((await rowsOf(server)).map(({ name }) => name)).toEqual(sinks.map(({ name }) => name));

    await server.send(loopOf('crm', 60));
    await until('the page of crm is told everywhere', tellsOf('crm'));
    const [page] = itemsOf(receiver.taken);
    const said = { finding: page?.finding.id, verdict: 'true-positive', comment: 'seen' };
    expect((await server.ask('/v1/verdicts', { json: said })).status).toBe(200);
    await until('the verdict is told', () => itemsOf(receiver.taken).some(({ type }) => type === 'finding.updated'));

    await server.killAndRestart();
    await server.send(loopOf('desk', 60, { endpoint: 'mail.send' }));
    await until('the page of desk is told everywhere', tellsOf('desk'));

    expect(linesOf('ocsf').every((one) => one['class_uid'] === 2004)).toBe(true);
    expect(linesOf('text').every((one) => typeof one['text'] === 'string')).toBe(true);
    // What came twice has the same id.
    const ids = new Map<string, string>();
    for (const message of receiver.taken) {
      for (const { key } of itemsOf([message])) expect(ids.get(key) ?? message.id).toBe(message.id);
      for (const { key } of itemsOf([message])) ids.set(key, message.id);
    }
    expect(new Set(linesOf<Told>('json').map(({ key }) => key))).toEqual(
      new Set(itemsOf(receiver.taken).flatMap(({ key, type }) => (type === 'finding.updated' ? [] : [key]))),
    );
    expect(receiver.unsigned).toBe(0);

    const [checked] = valuesOf((await run(['check', '--data', server.data, '--config', config])).out);
    for (const { name } of sinks) {
      expect(checked?.['looks']).toContainEqual(expect.objectContaining({ what: `sink ${name}`, ok: true }));
    }
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  });
});
