/** What people say of findings of a live server, by the verbs, and what follows from it through crashes. */
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid, linesOf } from '../verbs/said.js';
import { Server } from './server.js';
import { loopOf } from './traffic.js';

interface Found {
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly muted_by: string | null;
  readonly proposal: string | null;
}

const isPage = ({ severity }: Found): boolean => severity !== 'low' && severity !== 'info';

async function verb(server: Server, ...words: string[]) {
  const said = createSaid();
  const code = await runProgram([...words, '--data', server.data], said.terminal);
  return { code, err: said.err(), values: linesOf(said.out()) };
}

/** Findings of the agent, newest first, once everything is scored and one of them is there. */
async function findingsOf(server: Server, isMeant: (finding: Found) => boolean): Promise<Found[]> {
  let found: Found[] = [];
  await server.settled();
  await server.until('the finding is told', async () => {
    found = (await server.ask('/v1/findings?agent=crm')).body.findings as Found[];
    return found.some(isMeant);
  });
  return found;
}

describe('a verdict on a live server', () => {
  it('mutes the like of a finding, through a crash, until it is taken back', async () => {
    const server = await Server.start();
    await server.send(loopOf('crm', 60));
    const isLoop = (finding: Found) => finding.kind === 'retry-loop' && isPage(finding);
    const paged = (await findingsOf(server, isLoop)).find(isLoop) as Found;
    const given = await verb(server, 'verdict', 'false-positive', paged.id, '--for', '2d', '--comment', 'load test');
    const about = { agent: 'crm', endpoint: 'crm.update', target: 'case-7', finding: paged.id };
    expect(given).toMatchObject({ code: 0, values: [{ verdict: 'false-positive', ...about }] });
    const { id } = given.values[0] as { id: string };
    expect(await verb(server, 'verdict', 'list')).toMatchObject({ code: 0, values: [{ id, comment: 'load test' }] });

    await server.killAndRestart();
    await server.send(loopOf('crm', 60, { session: 'again' }, 60));
    const muted = await findingsOf(server, (finding) => finding.muted_by === id);
    expect(muted.find((finding) => finding.muted_by === id)).toMatchObject({ severity: 'low', proposal: null });
    expect((await server.ask(`/v1/findings/${paged.id}`)).body).toMatchObject({ muted_by: null });

    expect(await verb(server, 'verdict', 'undo', id)).toMatchObject({ code: 0, values: [{ id }] });
    expect(await verb(server, 'verdict', 'list')).toMatchObject({ code: 0, values: [] });
    // One record for the verdict, perhaps told again after the crash, and one for what took it back.
    expect((await server.settled()).controls).toBeGreaterThanOrEqual(2);
    const { partitions } = await server.status();
    expect(partitions.every(({ dead_lettered: dead }) => dead === 0)).toBe(true);

    expect(await verb(server, 'verdict', 'undo', id)).toMatchObject({ code: 1, err: expect.stringContaining(id) });
    expect(await verb(server, 'verdict', 'expected', 'f-0')).toMatchObject({
      code: 1,
      err: expect.stringContaining('api.not-found'),
    });
    expect(await verb(server, 'verdict', 'expected', paged.id, '--for', 'ever')).toMatchObject({ code: 2 });
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  });
});

describe('a reset to a date', () => {
  it('takes the profile from the dated snapshots of the data directory', async () => {
    const server = await Server.start();
    await server.send(loopOf('crm', 10));
    await server.settled();
    // The last checkpoint of a life is the first of its day.
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    server.respawn();
    await server.started();
    const today = new Date(Date.now()).toISOString().slice(0, 10);
    const reset = await verb(server, 'agent', 'reset', 'crm', '--as-of', today);
    expect(reset).toMatchObject({ code: 0, values: [{ agent: 'crm', reset: true, as_of: today }] });
    const { controls } = await server.settled();
    expect(controls).toBeGreaterThan(0);
    expect(await verb(server, 'agent', 'reset', 'crm', '--as-of', '2020-01-01')).toMatchObject({
      code: 1,
      err: expect.stringContaining('2020-01-01'),
    });
    expect(await verb(server, 'agent', 'reset', 'crm')).toMatchObject({ code: 0 });
    const { partitions } = await server.status();
    expect(partitions.map(({ dead_lettered: dead }) => dead).reduce((a, b) => a + b)).toBe(0);
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  });
});
