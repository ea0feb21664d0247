/** Drills that a server holds by itself, with a real place that has to carry the stop out. */
import { expect, it, onTestFinished } from 'vitest';
import { holdScheduledDrill } from '../../src/verbs/scheduled-drills.js';
import { openDesk, QUICK } from './desk.js';
import { openWebhookReceiver } from './receivers.js';

const SECRET = `whsec_${Buffer.alloc(32, 6).toString('base64')}`;
const DRILL = { every: 1_000, canary: 'killdeer-canary', children: 2, rounds: 2, patience: 10_000 };

async function opened(over: object = {}) {
  process.env['KILLDEER_TEST_GATE'] = SECRET;
  const gate = await openWebhookReceiver(SECRET);
  const row = { kind: 'webhook', name: 'gate', url: gate.url, status_url: `${gate.url}/status`, ...QUICK };
  const desk = await openDesk([{ ...row, secret_env: 'KILLDEER_TEST_GATE', ...over }]);
  onTestFinished(async () => {
    await desk.close();
    await gate.close();
  });
  const drilled = async (config: object = {}) => {
    await holdScheduledDrill(desk.registry, desk.connectors, { ...DRILL, ...config });
    return desk.registry.view.drills().at(-1);
  };
  return { gate, desk, drilled };
}

it('are through when every place has read the stop back, of the canary and of the sub-agents that it is told of', async () => {
  const { gate, desk, drilled } = await opened();
  await desk.register('killdeer-canary/sub-1');
  const drill = await drilled();
  expect(drill).toMatchObject({ ok: true, rounds: 2 });
  expect(drill?.stages.find(({ stage }) => stage === 'confirmed')).toMatchObject({ reached: 2, missed: 0 });
  const told = gate.state.messages.filter(({ told: { data } }) => data['status'] === 'suspended');
  expect(new Set(told.map(({ told: { data } }) => data['agent']))).toEqual(
    new Set(['killdeer-canary', 'killdeer-canary/sub-1']),
  );
});

it('miss the stage where a place says that it did and did not', async () => {
  const { gate, drilled } = await opened({ verify_within: 300 });
  gate.state.isLying = true;
  const drill = await drilled({ rounds: 1, patience: 1_000 });
  expect(drill?.ok).toBe(false);
  expect(drill?.stages.map(({ stage, missed }) => `${stage} ${missed}`)).toEqual([
    ...['applied 0', 'refused 0', 'tree-refused 0', 'confirmed 1', 'released 0'],
  ]);
});

it('have no such stage where the places are for other agents', async () => {
  const { drilled } = await opened({ agents: ['crm/*'] });
  const drill = await drilled({ rounds: 1 });
  expect(drill?.ok).toBe(true);
  expect(drill?.stages.map(({ stage }) => stage)).toEqual(['applied', 'refused', 'tree-refused', 'released']);
});
