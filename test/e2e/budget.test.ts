/** A budget at the inline decision, through a real server: what its own events cost counts, and goes on counting. */
import { describe, expect, it } from 'vitest';
import { Server } from './server.js';
import { callOf } from './traffic.js';

describe('a budget', () => {
  it('holds within what was reserved, counts what bound senders told, and outlives a crash', async () => {
    const server = await Server.start();
    const own = await server.makeToken('buyer', ['ingest'], ['buyer']);
    const gateway = await server.makeToken('buyer-gateway', ['gateway'], ['buyer']);
    const budgets = { session_usd: 100, day_usd: null };
    expect((await server.ask('/v1/agents/buyer', { method: 'PUT', json: { budgets } })).status).toBe(200);
    const ask = async (session: string, estimate?: number) => {
      const json = { agent: 'buyer', session, ...(estimate === undefined ? {} : { estimate_usd: estimate }) };
      return (await server.ask('/v1/decide', { json, token: gateway })).body;
    };
    const cost = (id: string, usd: number, session = 's1') => callOf(id, 'buyer', { cost_usd: usd, session });

    // A question for more than there is reserves nothing. An unbound sender may say what it likes: nobody's money is used up by it.
    await server.send([cost('x-1', 100)]);
    await server.send(
      Array.from({ length: 29 }, (_, i) => cost(`e-${i}`, 3)),
      own,
    );
    await server.until('it is counted', async () => (await ask('s1', 101)).remaining_usd === 13);
    const answer = await ask('s1', 10);
    expect(answer).toMatchObject({ allow: true, remaining_usd: 3, reservation: { remaining_usd: 3 } });
    // Its usual call costs 3.
    expect(await ask('s1')).toMatchObject({ allow: true, remaining_usd: 0 });
    expect(await ask('s1')).toMatchObject({ allow: false, status: 'active', denial: 'budget', remaining_usd: 0 });
    expect(await ask('s2', 50)).toMatchObject({ allow: true, remaining_usd: 50 });
    const settle = { reservation: answer.reservation.id, cost_usd: 12 };
    const settled = await server.ask('/v1/decide/settle', { json: settle, token: gateway });
    expect(settled).toMatchObject({ status: 200, body: { settled: true, reserved_usd: 10 } });

    // The event of the call that was reserved for, under the reservation's id, is the call itself and no other.
    await server.send([cost(answer.reservation.id, 12)], own);
    await server.killAndRestart();
    expect(await ask('s1', 101)).toMatchObject({ denial: 'budget', remaining_usd: 1 });
    expect(await ask('s2', 50)).toMatchObject({ allow: true, remaining_usd: 50 });
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    server.respawn();
    await server.started();
    expect(await ask('s1', 2)).toMatchObject({ allow: false, denial: 'budget', remaining_usd: 1 });
    expect(await ask('s1', 1)).toMatchObject({ allow: true, remaining_usd: 0 });
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  });
});
