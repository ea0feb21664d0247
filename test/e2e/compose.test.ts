/** Every service of docker-compose.yml that is ours, outside of containers: started, asked, used and stopped. */
import { expect, it } from 'vitest';
import { isEmbeddable } from '../../src/store/embedded.js';
import type { Look } from '../../src/verbs/look-at-topics.js';
import { describeKafka } from '../kafka/broker.js';
import { stepOf } from '../kafka/sources.js';
import { StoreServer } from '../kafka/stored.js';
import { ask, Composed, DATA, filesOf, METRICS_TOKEN } from './composed.js';
import { until, valuesOf } from './program.js';

/** No faster than a process lets anybody ask. */
const ASK_MS = 150;
const CONFIGURATION = '/etc/killdeer/killdeer.yaml';
const AGENTS = ['auditor', 'buyer', 'clerk', 'driver'] as const;
const STEPS = Array.from({ length: 20 }, (_, i) => stepOf(AGENTS[i % AGENTS.length] ?? '', `step-${i}`));

const lacking = isEmbeddable() ? '' : ' (SKIPPED: the optional dependency chdb is missing)';
if (lacking !== '' && process.env['CI']) throw new Error(`docker-compose.yml${lacking}`);

describeKafka(`the services of docker-compose.yml${lacking}`, (broker) => {
  it.skipIf(!isEmbeddable())(
    'start, become ready, score, decide, store and stop, ClickHouse last of all',
    async () => {
      const store = await StoreServer.start();
      await store.kill();
      const composed = new Composed(broker.options(), store.access);
      await expectTopics(composed);
      await composed.up();
      await expectReady(composed);
      await expectScored(composed);
      await expectDecided(composed);
      await expectChecked(composed, ['history']);
      await store.start();
      await expectStored(composed);
      await expectChecked(composed, []);
      await expectMeasured(composed);
      await expectStopped(composed);
    },
    120_000,
  );
});

/** Nobody waits for ClickHouse, and whoever starts everything again finds the topics as they are. */
async function expectTopics(composed: Composed): Promise<void> {
  for (const made of [true, false]) {
    const [topics, ...others] = await composed.complete();
    expect(others).toEqual([]);
    expect(topics).toMatchObject({ service: 'topics', code: 0, err: '' });
    const [{ looks }] = valuesOf<{ looks: Look[] }>(topics?.out ?? '');
    const fresh = looks.filter(({ words }) => words.startsWith('made: '));
    expect(fresh.length > 5).toBe(made);
    expect(brokenOf(looks)).toEqual(['history']);
  }
}

function brokenOf(looks: readonly Look[]): string[] {
  return looks.filter(({ ok }) => ok === false).map(({ what }) => what);
}

async function expectReady({ running }: Composed): Promise<void> {
  const roles = running.map(({ service }) => service).sort();
  expect(roles).toEqual(['ingest', 'learn', 'project', 'score', 'score', 'serve']);
  for (const one of running) {
    await until(`${one.service} is ready`, async () => (await one.unready()).length === 0, ASK_MS);
    // More than once, as the compose file has it: on a busy machine an answer may be late.
    await until(`${one.service} is healthy`, () => one.isHealthy(), ASK_MS);
  }
}

/** By HTTP through the service that takes events. */
async function expectScored(composed: Composed): Promise<void> {
  const ingest = composed.one('ingest');
  const taken = await ingest.post('/v1/events', ingest.token('ingest'), ...STEPS);
  expect(taken).toMatchObject({ status: 202, body: { accepted: STEPS.length, rejected: 0 } });
  const isScored = async () =>
    (await composed.metric('score', 'killdeer_events_total', 'outcome="scored"')) === STEPS.length;
  await until('every event is scored', isScored, ASK_MS);
}

/** By the service that decides, for a gateway that was handed a token; a stop is in force with its answer. */
async function expectDecided(composed: Composed): Promise<void> {
  const serve = composed.one('serve');
  const words = ['token', 'create', '--data', DATA, '--name', 'gateway-1', '--role', 'gateway'];
  const created = await serve.exec(words);
  expect(created).toMatchObject({ code: 0, err: '' });
  const token = String(valuesOf(created.out)[0]?.['token']);
  const decide = async (agent: string) => await serve.post('/v1/decide', token, { agent });
  const isAllowed = { status: 200, body: { allow: true } };
  expect(await decide(AGENTS[0])).toMatchObject(isAllowed);
  const order = { action: 'suspend', reason: 'looks hijacked' };
  const stop = () => serve.post(`/v1/agents/${AGENTS[0]}/stop`, serve.token('responder'), order);
  let stopped = await stop();
  const isKnown = async () => {
    if (stopped.status === 404) stopped = await stop();
    return stopped.status !== 404;
  };
  await until('the agent is known', isKnown, ASK_MS);
  expect(stopped).toMatchObject({ status: 200, body: { effect: 'applied' } });
  expect(await decide(AGENTS[0])).toMatchObject({ status: 200, body: { allow: false } });
  expect(await decide(AGENTS[1])).toMatchObject(isAllowed);
}

/** Whoever looks into the installation is told what is broken, and only that. */
async function expectChecked(composed: Composed, broken: readonly string[]): Promise<void> {
  const { code, out } = await composed.one('serve').exec(['check', '--config', CONFIGURATION]);
  const [{ looks, stoppable }] = valuesOf<{ looks: Look[]; stoppable: { yes: boolean } }>(out);
  expect({ code, broken: brokenOf(looks) }).toEqual({ code: broken.length === 0 ? 0 : 1, broken });
  expect(stoppable.yes).toBe(true);
}

/** As a person asks for it, from within the network. */
async function expectStored(composed: Composed): Promise<void> {
  const serve = composed.one('serve');
  const query = async (sql: string) => {
    const { code, out, err } = await serve.exec(['store', 'query', '--config', CONFIGURATION, sql]);
    return code === 0 ? valuesOf(out) : err;
  };
  const events = 'SELECT agent, toUInt32(count()) AS events FROM events GROUP BY agent ORDER BY agent';
  const wanted = AGENTS.map((agent) => ({ agent, events: STEPS.length / AGENTS.length }));
  let seen: unknown = null;
  const isStored = async () => {
    seen = await query(events);
    return JSON.stringify(seen) === JSON.stringify(wanted);
  };
  await until('every event is stored', isStored, 500).catch((error) => {
    throw new Error(`${error}: ${JSON.stringify(seen)}`);
  });
  const decisions = `SELECT effect FROM decisions WHERE agent = '${AGENTS[0]}' AND json LIKE '%looks hijacked%'`;
  await until('the stop is stored', async () => (await query(decisions)).length > 0, 500);
  expect(await query(decisions)).toEqual([{ effect: 'applied' }]);
}

/** By whoever has the token of the variable, and by nobody else. */
async function expectMeasured({ running }: Composed): Promise<void> {
  for (const { ops, api } of running) {
    for (const address of [ops, api].filter((one) => one !== null)) {
      const url = new URL('/metrics', address);
      expect((await ask(url)).status).toBe(401);
      expect((await ask(url, 'of-somebody-else')).status).toBe(401);
      const { status, text } = await ask(url, METRICS_TOKEN);
      expect(status).toBe(200);
      expect(text).toMatch(/^killdeer_build_info\{version="[^"]+"\} 1$/m);
    }
  }
}

/** In order; nothing of a secret was said, and nothing was written but into the volumes. */
async function expectStopped({ running, secrets, image, filesAtFirst }: Composed): Promise<void> {
  const ended = await Promise.all(running.map(async (one) => ({ one, ...(await one.program.stop()) })));
  for (const { one, code, signal, out, err } of ended) {
    expect({ service: one.service, code, signal, err: code === 0 ? '' : err }).toMatchObject({ code: 0, signal: null });
    expect(one.program.values.at(-1)).toEqual({ type: 'stopped' });
    for (const secret of secrets) expect(out + err).not.toContain(secret);
    expect(await one.isHealthy()).toBe(false);
    expect(one.container.written()).toEqual([]);
  }
  expect(filesOf(image.app)).toEqual(filesAtFirst);
}
