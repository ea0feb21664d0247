/** What a live server tells of its agents: profile, history, evidence and reasons, by the API and by the verb. */
import { describe, expect, it } from 'vitest';
import { isEmbeddable } from '../../src/store/embedded.js';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid, linesOf } from '../verbs/said.js';
import { Server } from './server.js';
import { callOf, loopOf, timeOf } from './traffic.js';

interface Found {
  readonly id: string;
  readonly kind: string;
}

/** Findings of the loop, once they are told. */
async function loopFinding(server: Server): Promise<Found> {
  let found: Found | undefined;
  await server.settled();
  await server.until('the loop is told', async () => {
    const { body } = await server.ask('/v1/findings?agent=crm');
    found = (body.findings as Found[]).find(({ kind }) => kind === 'retry-loop');
    return found !== undefined;
  });
  return found as Found;
}

async function profileVerb(server: Server, rich: boolean, ...words: string[]) {
  const said = createSaid(rich);
  const code = await runProgram(['agent', 'profile', ...words, '--data', server.data], said.terminal);
  return { code, out: said.out(), err: said.err() };
}

describe('a live server', () => {
  it.skipIf(!isEmbeddable())('tells what is known of an agent, what it did, and why it was found', async () => {
    const server = await Server.start({ history: true });
    const calm = Array.from({ length: 20 }, (_, i) =>
      callOf(`calm-${i}`, 'clerk', {
        time: timeOf((i - 20) * 1_000),
        cost_usd: 0.01,
        credential: 'c0ffee00c0ffee00',
        session: 's',
      }),
    );
    await server.send([...calm, ...loopOf('crm', 60)]);
    const { id } = await loopFinding(server);

    const { status, body } = await server.ask('/v1/agents/clerk/profile');
    expect([status, body]).toMatchObject([200, { agent: 'clerk', events: 20, sessions: 1, standing: 'learning' }]);
    expect(body.cost.day_usd).toBeCloseTo(0.2, 5);
    expect((await server.ask('/v1/agents/nobody/profile')).body.code).toBe('registry.unknown-agent');
    const verb = await profileVerb(server, false, 'clerk');
    expect([verb.code, linesOf(verb.out)]).toMatchObject([0, [{ agent: 'clerk', events: 20 }]]);
    const read = await profileVerb(server, true, 'clerk');
    for (const words of ['clerk', 'learning, 0 closed days', '20 in 1 sessions', 'calls', '10 s']) {
      expect(read.out).toContain(words);
    }
    expect(await profileVerb(server, false, 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('nobody'),
    });

    await server.until('history has it all', async () => {
      const { status: answered, body: past } = await server.ask('/v1/events?agent=clerk&limit=1000');
      return answered === 200 && past.events.length === 20;
    });
    const past = (await server.ask('/v1/events?agent=clerk&limit=1')).body;
    expect(past.events).toMatchObject([{ id: 'calm-19', credential: 'c0ffee00…', cost_usd: 0.01 }]);
    const next = (await server.ask(`/v1/events?agent=clerk&limit=1&cursor=${past.cursor}`)).body;
    expect(next.events).toMatchObject([{ id: 'calm-18' }]);
    expect((await server.ask('/v1/events?cursor=junk')).status).toBe(400);
    const { points, step_ms: step } = (await server.ask('/v1/agents/clerk/activity')).body;
    expect(step).toBe(60_000);
    expect(points.reduce((sum: number, { events }: { events: number }) => sum + events, 0)).toBe(20);
    const bands = (await server.ask('/v1/agents/clerk/bands')).body;
    const observed = bands.points.map(({ calls }: { calls: { observed: number } }) => calls.observed);
    expect(observed.reduce((sum: number, one: number) => sum + one, 0)).toBe(20);
    expect((await server.ask('/v1/agents/crm/targets')).body).toMatchObject({
      ...{ total: 1, names: [{ name: 'case-7', events: 60, errors: 60, new: false }] },
    });
    await server.until('the registry is history too', async () => {
      return (await server.ask('/v1/agents/crm/decisions')).body.decisions.length > 0;
    });

    const events = (await server.ask(`/v1/findings/${id}/events`)).body;
    expect(events.evidence.length).toBeGreaterThan(0);
    expect(events.evidence[0]).toMatchObject({ agent: 'crm', endpoint: 'crm.update', target: 'case-7' });
    expect(events.around.length).toBe(60);

    let explained = await server.ask(`/v1/findings/${id}/explanation`);
    await server.until('it is explained', async () => {
      explained = await server.ask(`/v1/findings/${id}/explanation`);
      return explained.status === 200;
    });
    expect(explained.body).toMatchObject({
      ...{ finding: id, state: 'exact', why: null },
      stored: { measurements: [{ words: expect.stringContaining('% of the score') }] },
      exact: { outcome: 'raised', standing: 'learning', target: { name: 'case-7' } },
    });
    expect(explained.body.exact.detectors[0].share).toBeGreaterThan(0);
  });

  it('without history says so, and tells the rest', async () => {
    const server = await Server.start();
    await server.send(loopOf('crm', 60));
    const { id } = await loopFinding(server);
    const { status, body } = await server.ask('/v1/agents/crm/activity');
    expect([status, body.code]).toEqual([409, 'api.no-history']);
    expect((await server.ask(`/v1/findings/${id}/events`)).body).toMatchObject({
      ...{ around: null, note: expect.stringContaining('history'), evidence: [{ agent: 'crm' }] },
    });
    expect((await server.ask('/v1/agents/crm/bands')).body).toMatchObject({ note: expect.stringContaining('history') });
  });
});
