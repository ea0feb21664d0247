/** The verbs about leave and the ladder, against a server with a real registry. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { runProgram } from '../../src/verbs/program.js';
import { createWorld, type World } from '../api/world.js';
import { allow, permission, policy, wish } from '../registry/records.js';
import { createSaid, linesOf } from './said.js';

const WEEK_MS = 7 * 86_400_000;
const firm = permission('firm', { allow: allow({ endpoints: ['crm.*'] }) });
const used = policy('enforce', {}, { ladder: { promoteAfterMs: WEEK_MS }, permissions: [firm] }).policy;

let nowMs: number;
let registry: Registry;
let world: World;
let address: string;

beforeEach(async () => {
  // Behind this machine's clock, which the verbs go by: two weeks ago is long enough.
  nowMs = Date.UTC(2025, 5, 2);
  registry = await openRegistry({
    log: createMemoryLog({ topics: { registry: 1 } }),
    ...{ clock: () => nowMs, policy: used, tickEveryMs: 0 },
  });
  world = createWorld({ registry: registryPortOf(registry) });
  address = await world.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await world.app.close();
  await registry.close();
});

async function run(token: string, words: string[], rich = false) {
  const said = createSaid(rich);
  const code = await runProgram([...words, '--address', address, '--token', token], said.terminal);
  return { code, err: said.err(), out: said.out(), values: rich ? [] : linesOf(said.out()) };
}

describe('killdeer approve', () => {
  it('revokes what another person asked to revoke', async () => {
    await registry.write({
      type: 'seen',
      tenant: '',
      agent: 'clerk',
      agentVersion: null,
      actor: 'system',
      authority: 'system',
      parent: null,
    });
    const asked = await run('responder', ['agent', 'revoke', 'clerk', '--reason', 'stolen']);
    expect(asked.values).toMatchObject([{ effect: 'recommended' }]);
    const id = String(asked.values[0]?.['approval']);
    expect((await run('responder', ['approvals'])).values).toMatchObject([{ id, kind: 'revoke', state: 'open' }]);
    expect(await run('responder', ['approve', id])).toMatchObject({
      code: 1,
      err: expect.stringContaining('another person approves'),
    });
    expect(await run('admin', ['approve', id, '--comment', 'seen it'])).toMatchObject({
      code: 0,
      values: [{ state: 'used', comment: 'seen it' }],
    });
    expect(registry.view.entry('', 'clerk')?.status).toBe('revoked');
    expect((await run('responder', ['approvals'])).values).toEqual([]);
    expect((await run('responder', ['approvals', '--all'], true)).out).toContain('revoke: stolen');
    expect(await run('responder', ['reject', id])).toMatchObject({ code: 1 });
    expect(await run('responder', ['approvals', '--state', 'gone'])).toMatchObject({ code: 2 });
  });
});

describe('killdeer agent denials', () => {
  it('lists what was refused or would have been', async () => {
    registry.view.decide('', 'clerk', nowMs, { operation: 'execute_tool', endpoint: 'pay.out' });
    await registry.tick();
    expect((await run('responder', ['agent', 'denials'])).values).toMatchObject([
      { agent: 'clerk', denial: 'endpoint', enforced: false, endpoint: 'pay.out' },
    ]);
    expect((await run('responder', ['agent', 'denials', 'other'])).values).toEqual([]);
    expect((await run('responder', ['agent', 'denials', 'clerk', '--denial', 'endpoint'], true)).out).toContain(
      'would be',
    );
  });
});

describe('killdeer policy', () => {
  const by = { actor: 'engine:0', authority: 'p', parent: null };

  it('shows what the next step would have done, then takes it where a person says so', async () => {
    await registry.write({ type: 'proposal', proposal: wish('clerk'), ...by });
    registry.view.decide('', 'clerk', nowMs, { operation: 'execute_tool', endpoint: 'pay.out' });
    await registry.tick();
    expect(await run('admin', ['policy', 'promote', '--reason', 'quiet', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('stays at observe for 168 h more'),
    });
    nowMs += WEEK_MS;
    expect(await run('admin', ['policy', 'promote', '--reason', 'quiet'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Take p from training to recommend? Nobody is there to say yes: add --yes'),
    });
    expect(registry.view.mode()).toBe('observe');
    const promoted = await run('admin', ['policy', 'promote', '--reason', 'quiet', '--yes']);
    expect(promoted).toMatchObject({
      code: 0,
      values: [{ mode: 'recommend', shown: { would: [{ rule: 'r', count: 1, agents: [{ agent: 'clerk' }] }] } }],
    });
    const shown = await run('admin', ['policy', 'show'], true);
    expect(shown.out).toContain('recommend since');
    expect(shown.out).toContain('enforce would have done nothing since this step was taken');
    expect(await run('admin', ['policy', 'demote', '--reason', 'loud'])).toMatchObject({ code: 0 });
    expect(registry.view.mode()).toBe('observe');
    expect(await run('admin', ['policy', 'demote', '--reason', 'loud'])).toMatchObject({ code: 1 });
  });
});
