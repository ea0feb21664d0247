/** Stops on their way to real HTTP counterparts, through outages, restarts and lies. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.js';
import { type Desk, type DeskOptions, memoryLog, openDesk, QUICK } from './desk.js';
import { type Line, openLine } from './line.js';
import {
  type DirectoryState,
  openDirectory,
  openWebhookReceiver,
  type Receiver,
  type WebhookState,
} from './receivers.js';
import { until } from './wishes.js';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
/** Where a test waits for people to be told. */
const SOON = { verify_within: 1_200 };
const TOKEN = 'token-of-the-directory';

describe('the outbox', () => {
  let gate: Receiver<WebhookState>;
  let directory: Receiver<DirectoryState>;
  let line: Line;
  let log: Log;
  const desks: Desk[] = [];

  beforeEach(async () => {
    process.env['KILLDEER_TEST_GATE'] = SECRET;
    process.env['KILLDEER_TEST_DIRECTORY'] = TOKEN;
    gate = await openWebhookReceiver(SECRET);
    const accounts = Array.from({ length: 40 }, (_, n) => ({ id: `i${n}`, userName: `a${n}`, active: true }));
    directory = await openDirectory(TOKEN, accounts);
    line = await openLine(directory.url);
    log = memoryLog();
  });
  afterEach(async () => {
    for (const desk of desks.splice(0)) {
      await desk.close();
      expect(desk.faults).toEqual([]);
    }
    await line.close();
    await gate.close();
    await directory.close();
  });

  const webhook = (rest: object = {}) => ({
    ...{ kind: 'webhook', name: 'gate', url: gate.url, secret_env: 'KILLDEER_TEST_GATE', ...QUICK },
    ...rest,
  });
  const scim = (rest: object = {}) => ({
    ...{ kind: 'scim', name: 'directory', url: `${line.url}/v2`, secret_env: 'KILLDEER_TEST_DIRECTORY', ...QUICK },
    ...rest,
  });
  const open = async (config: readonly object[], options: DeskOptions = {}): Promise<Desk> => {
    const desk = await openDesk(config, { log, ...options });
    desks.push(desk);
    return desk;
  };
  const isActive = (agent: string) => directory.state.accounts.find(({ userName }) => userName === agent)?.active;
  const has = (desk: Desk, agent: string, place: string, state: string) =>
    until(() => desk.last(agent, place)?.state === state);

  it('proves a stop by reading it back, and its end likewise', async () => {
    const desk = await open([scim()]);
    await desk.stop('a1');
    await has(desk, 'a1', 'directory', 'confirmed');
    expect(isActive('a1')).toBe(false);
    expect(await desk.effects('a1', 'directory')).toEqual(['sent', 'confirmed']);
    expect(desk.connectors.status().places).toMatchObject([{ name: 'directory', watched: 1, backlog: 0 }]);
    await desk.release('a1');
    await until(() => isActive('a1') === true);
    await until(async () => (await desk.effects('a1', 'directory')).join() === 'sent,confirmed,sent,confirmed');
    expect(desk.last('a1', 'directory')).toMatchObject({ version: 3, root: null });
    expect(desk.alarms).toEqual([]);
  });

  it('holds no place for proved that answers OK and does nothing, and says so once', async () => {
    directory.state.isLying = true;
    const desk = await open([scim(SOON)]);
    await desk.stop('a1');
    await has(desk, 'a1', 'directory', 'contradicted');
    expect(desk.last('a1', 'directory')?.reason).toBe('its account is active');
    await until(() => desk.alarms.length > 0);
    expect(desk.alarms[0]).toMatchObject({
      ...{ type: 'responder', what: 'stop-unverified', tenant: '', agent: 'a1', key: 'directory 2', agents: ['a1'] },
      words: 'a1 is suspended, but directory has not put it in force: its account is active',
    });
    // It goes on trying, and believes it when it is true.
    const before = directory.state.changes;
    await until(() => directory.state.changes > before + 1);
    directory.state.isLying = false;
    await has(desk, 'a1', 'directory', 'confirmed');
    expect(desk.alarms).toHaveLength(1);
    expect(await desk.effects('a1', 'directory')).toEqual(['sent', 'contradicted', 'confirmed']);
  });

  it('finds out who undoes a stop, and does it again', async () => {
    const desk = await open([scim()]);
    await desk.stop('a1');
    await has(desk, 'a1', 'directory', 'confirmed');
    for (const account of directory.state.accounts) account.active = true;
    await until(async () => (await desk.effects('a1', 'directory')).includes('contradicted'));
    await until(() => isActive('a1') === false);
    await has(desk, 'a1', 'directory', 'confirmed');
    await until(() => desk.alarms.length === 1);
    expect(desk.alarms[0]).toMatchObject({ what: 'stop-unverified', agent: 'a1' });
  });

  it('delivers after an outage, having told people in the meantime', async () => {
    await line.set('refuse');
    const desk = await open([scim(SOON)]);
    await desk.stop('a1');
    await until(() => desk.alarms.length === 1);
    expect(desk.alarms[0].words).toContain('ECONNREFUSED');
    expect(desk.connectors.status().places[0].breaker).not.toBe('closed');
    expect(await desk.effects('a1', 'directory')).toEqual(['failed']);
    await line.set('pass');
    await has(desk, 'a1', 'directory', 'confirmed');
    expect(desk.connectors.status().places[0]).toMatchObject({ breaker: 'closed', unverified: 0 });
    expect(JSON.stringify(desk.connectors.status())).not.toContain(TOKEN);
  });

  it('tells of many that wait behind one place once, with the list', async () => {
    await line.set('refuse');
    const desk = await open([scim(SOON)]);
    for (let n = 0; n < 20; n++) await desk.stop(`a${n}`);
    await until(() => desk.alarms.flatMap(({ agents }) => agents).length === 20);
    expect(desk.alarms.length).toBeLessThan(6);
    expect(desk.alarms[0]).toMatchObject({ what: 'stop-unverified' });
    await line.set('pass');
    await until(() => desk.connectors.status().places[0].watched === 20);
  });

  it('leaves a place alone that asks for it', async () => {
    await line.set({ status: 429, headers: { 'retry-after': '3600' } });
    const desk = await open([scim({ verify_within: 100 })]);
    await desk.stop('a1');
    await until(() => desk.alarms.length === 1);
    const { length } = line.calls;
    await desk.stop('a2');
    await until(() => desk.alarms.length === 2);
    // The second waits like the first: it was told of without a single call.
    expect(line.calls).toHaveLength(length);
    expect(length).toBe(1);
  });

  it('gives up in the end, as a dead letter that people are told of', async () => {
    await line.set({ status: 500 });
    const desk = await open([scim({ give_up_after: 200 })]);
    await desk.stop('a1');
    await has(desk, 'a1', 'directory', 'dead');
    await until(() => desk.alarms.some(({ what }) => what === 'delivery-dead'));
    expect(desk.connectors.status().places[0]).toMatchObject({ backlog: 0, counts: { dead: 1 } });
    // A later wish is a new one.
    await line.set('pass');
    await desk.stop('a1', 'revoke');
    await has(desk, 'a1', 'directory', 'confirmed');
  });

  it('sends only the newest of what waits', async () => {
    await line.set('refuse');
    const desk = await open([webhook({ url: `${line.url}/take` })]);
    await line.close();
    line = await openLine(gate.url);
    const moved = await open([webhook({ name: 'late', url: line.url })], { log: memoryLog() });
    await line.set('refuse');
    await moved.stop('a1');
    await until(async () => (await moved.effects('a1', 'late')).includes('failed'));
    await moved.release('a1');
    await moved.stop('a1', 'revoke');
    await line.set('pass');
    await has(moved, 'a1', 'late', 'unobserved');
    expect(gate.state.messages.map(({ told }) => told.type)).toEqual(['agent.revoked']);
    expect(desk.connectors.status().places).toHaveLength(1);
  });

  it('covers the agents below, known and yet to come, and frees them again', async () => {
    const desk = await open([webhook()]);
    await desk.register('crew', { owner: 'ada' });
    await desk.register('crew/one');
    await desk.register('helper', { parentAgent: 'crew/one' });
    await desk.stop('crew');
    await desk.register('crew/two');
    await until(() => gate.state.statuses.size === 4);
    expect(Object.fromEntries(gate.state.statuses)).toEqual(
      Object.fromEntries(['crew', 'crew/one', 'helper', 'crew/two'].map((agent) => [agent, 'suspended'])),
    );
    const keys = gate.state.messages.map(({ told }) => told.data['key']).sort();
    expect(keys).toEqual(['/crew/2', '/crew/one/crew@2', '/crew/two/crew@2', '/helper/crew@2']);
    await desk.release('crew');
    await until(() => [...gate.state.statuses.values()].every((status) => status === 'active'));
    await until(() => desk.last('helper', 'gate')?.version === 3);
    expect(desk.last('helper', 'gate')).toMatchObject({ root: 'crew', state: 'unobserved' });
  });

  it('leaves an agent restricted that is so itself, when the one above is released', async () => {
    const desk = await open([webhook()]);
    await desk.register('crew/one');
    await desk.stop('crew');
    await desk.stop('crew/one', 'revoke');
    await until(() => gate.state.statuses.get('crew/one') === 'revoked');
    await desk.release('crew');
    await until(() => gate.state.statuses.get('crew') === 'active');
    expect(gate.state.statuses.get('crew/one')).toBe('revoked');
  });

  it('lifts at a directory what is no stop any more, and asks it nothing about agents it never stopped', async () => {
    const desk = await open([scim()]);
    await desk.stop('a1');
    await has(desk, 'a1', 'directory', 'confirmed');
    await desk.stop('a1', 'throttle');
    await desk.stop('a2', 'throttle');
    await until(() => isActive('a1') === true);
    await until(() => desk.connectors.status().places[0].backlog === 0);
    expect(desk.last('a2', 'directory')).toBeNull();
  });

  it('lifts by itself what has run out', async () => {
    const desk = await open([scim()]);
    await desk.stop('a1', 'suspend', 150);
    await has(desk, 'a1', 'directory', 'confirmed');
    await until(() => isActive('a1') === true);
  });

  it('speaks about the agents alone that it is for', async () => {
    const desk = await open([webhook({ agents: ['a1*'] }), webhook({ name: 'other', tenants: ['acme'] })]);
    await desk.stop('a2');
    await desk.stop('a12');
    await has(desk, 'a12', 'gate', 'unobserved');
    expect(gate.state.messages.map(({ told }) => told.data['agent'])).toEqual(['a12']);
  });

  it('takes up after a restart what had no last word, under the same key', async () => {
    await line.set('lose-answer');
    const first = await open([scim(), webhook()]);
    await first.stop('a1');
    await has(first, 'a1', 'gate', 'unobserved');
    await until(async () => (await first.effects('a1', 'directory')).includes('failed'));
    await first.close();
    await line.set('pass');
    const second = await open([scim(), webhook()]);
    await has(second, 'a1', 'directory', 'confirmed');
    expect(isActive('a1')).toBe(false);
    // What has its last word is not told again.
    expect(gate.state.messages).toHaveLength(1);
    await second.close();
    const third = await open([scim(), webhook()]);
    expect(third.connectors.status().places).toMatchObject([{ watched: 1, backlog: 0 }, { backlog: 0 }]);
    await third.release('a1');
    await until(() => isActive('a1') === true && gate.state.messages.length === 2);
  });

  it('delivers once, though a process that only follows takes over in the middle', async () => {
    // Nothing is said again because a busy machine answers late.
    const patient = [scim(), webhook({ timeout: 20_000 })];
    const follower = await open(patient, { active: false });
    const owner = await open(patient);
    for (let n = 0; n < 10; n++) await owner.stop(`a${n}`);
    await until(() => gate.state.messages.length >= 3);
    await owner.close();
    const { registry } = follower;
    await follower.connectors.setActive({
      write: registry.write.bind(registry),
      effects: (tenant, agent) => registry.view.effects(tenant, agent),
      control: async () => undefined,
    });
    await until(() => directory.state.accounts.slice(0, 10).every(({ active }) => !active));
    await until(() => gate.state.statuses.size === 10);
    expect(new Set(gate.state.messages.map(({ id }) => id)).size).toBe(10);
    // At most what was under way comes twice.
    expect(gate.state.messages.length).toBeLessThanOrEqual(14);
  });

  it('follows a storm with few calls at once, and forgets it when it is over', async () => {
    const desk = await open([scim({ parallel: 2 })]);
    await Promise.all(Array.from({ length: 40 }, (_, n) => desk.stop(`a${n}`)));
    await until(() => desk.connectors.status().places[0].watched === 40);
    await Promise.all(Array.from({ length: 40 }, (_, n) => desk.release(`a${n}`)));
    await until(() => directory.state.accounts.every(({ active }) => active));
    await until(() => desk.connectors.status().places[0].backlog === 0);
    expect(desk.connectors.status().places[0]).toMatchObject({ watched: 0, unverified: 0 });
  });
});
