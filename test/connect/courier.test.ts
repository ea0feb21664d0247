/** Pages and what owners are told, at a real receiver. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Letter } from '../../src/connect/mailbox.js';
import type { Notice } from '../../src/connect/notice.js';
import { OwnerPost } from '../../src/connect/owner-post.js';
import type { Finding } from '../../src/decide/finding.js';
import type { Log } from '../../src/log/log.js';
import { finding } from '../api/world.js';
import { type Desk, type DeskOptions, memoryLog, openDesk, QUICK } from './desk.js';
import { type Line, openLine } from './line.js';
import { openWebhookReceiver, type Receiver, type WebhookState } from './receivers.js';
import { until } from './wishes.js';

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const { verify_within: _, reread_every: __, ...MAIL } = QUICK;

describe('the courier', () => {
  let phone: Receiver<WebhookState>;
  let line: Line;
  let log: Log;
  const desks: Desk[] = [];

  beforeEach(async () => {
    process.env['KILLDEER_TEST_PHONE'] = SECRET;
    phone = await openWebhookReceiver(SECRET);
    line = await openLine(phone.url);
    log = memoryLog();
  });
  afterEach(async () => {
    for (const desk of desks.splice(0)) {
      await desk.close();
      expect(desk.faults).toEqual([]);
    }
    await line.close();
    await phone.close();
  });

  const secret = { secret_env: 'KILLDEER_TEST_PHONE' };
  const pages = (rest: object = {}) => ({
    ...{ kind: 'webhook', name: 'phone', url: line.url, pages: true, tenants: ['nobody'], ...secret, ...QUICK },
    ...rest,
  });
  const owners = (rest: object = {}) => ({
    kind: 'notify',
    name: 'owners',
    url: line.url,
    ...secret,
    ...MAIL,
    ...rest,
  });
  const open = async (config: readonly object[], options: DeskOptions = {}): Promise<Desk> => {
    const desk = await openDesk(config, { log, ...options });
    desks.push(desk);
    return desk;
  };
  const now = () => new Date().toISOString();
  const fresh = (id: string, over: Partial<Finding> = {}) => finding(id, { time: now(), ...over });
  const told = () => phone.state.messages.map((message) => message.told);
  const keyed = () => told().map(({ data }) => data['key']);

  it('pages of what is medium and above, each severity of a finding once', async () => {
    // A receiver on a busy machine that answers late is not told twice.
    const desk = await open([pages({ tenants: null, timeout: 20_000 })]);
    for (const severity of ['info', 'low', 'medium', 'medium', 'high'] as const) {
      desk.connectors.finding(fresh('f1', { severity }));
    }
    await until(() => phone.state.messages.length === 2);
    expect(keyed()).toEqual(['page/f1/medium', 'page/f1/high']);
    expect(told()[1]).toMatchObject({
      type: 'page',
      data: { text: 'high retry-loop of clerk: clerk repeats a failing call', finding: { id: 'f1', risk: 80 } },
    });
  });

  it('pages of the agents that it is for, and of the fleet', async () => {
    const desk = await open([pages()]);
    desk.connectors.finding(fresh('f1'));
    desk.connectors.finding(fresh('f2', { agent: 'fleet' }));
    desk.connectors.finding(fresh('f3', { tenant: 'nobody' }));
    await until(() => phone.state.messages.length === 2);
    expect(keyed()).toEqual(['page/f2/high', 'page/f3/high']);
  });

  it('tells a new place nothing of the past, and after an outage and a restart all that was not received', async () => {
    const old = fresh('old', { time: new Date(Date.now() - 60_000).toISOString() });
    const first = await open([pages({ tenants: null })], { findings: [old] });
    const [one, two] = [fresh('f1'), fresh('f2')];
    first.connectors.finding(one);
    await until(() => phone.state.messages.length === 1);
    // What it said must be in the log before the crash.
    await until(() => first.connectors.status().addressees[0].backlog === 0);
    await line.set('refuse');
    first.connectors.finding(two);
    await until(() => first.connectors.status().addressees[0].lastError !== null);
    await first.close();
    await line.set('pass');
    const second = await open([pages({ tenants: null })], { findings: [old, one, two] });
    await until(() => phone.state.messages.length >= 2);
    await until(() => second.connectors.status().addressees[0].backlog === 0);
    expect(keyed()).toEqual(['page/f1/high', 'page/f2/high']);
  });

  it('gives a page up in the end, and remembers that it did', async () => {
    await line.set({ status: 500 });
    const desk = await open([pages({ tenants: null, give_up_after: 50 })]);
    desk.connectors.finding(fresh('f1'));
    await until(() => desk.connectors.status().addressees[0].dead === 1);
    const { records } = await log.read('registry', 0, 0, 100);
    const last = JSON.parse(records[records.length - 1].value) as object;
    expect(last).toMatchObject({ type: 'told', place: 'phone:pages', keys: ['page/f1/high'], state: 'dead' });
    expect(JSON.stringify(desk.connectors.status())).not.toContain(SECRET.slice(6));
  });

  it('tells the owner in plain words what happened to an agent, and when it is over', async () => {
    const desk = await open([owners()]);
    await desk.register('clerk', { owner: 'ada' });
    await desk.register('clerk/sub');
    await desk.register('clerk/lent', { owner: 'ben' });
    await desk.stop('clerk');
    await desk.release('clerk');
    await until(() => phone.state.messages.length === 4);
    expect(told().map(({ type, data }) => [type, data['owner'], data['agent']])).toEqual([
      ['agent.suspended', 'ada', 'clerk'],
      ['agent.suspended', 'ben', 'clerk/lent'],
      ['agent.active', 'ada', 'clerk'],
      ['agent.active', 'ben', 'clerk/lent'],
    ]);
    expect(told()[0].data['text']).toBe(
      [
        'Your agent clerk was stopped for now: all of its calls are refused.',
        'Why: asked to.',
        'A person decided this.',
        'This does not end by itself; somebody has to release the agent.',
        'What to do: look at what the agent was doing. If it was meant to do that, tell your operators, who can release it.',
      ].join('\n'),
    );
    expect(told()[2].data['text']).toBe('Your agent clerk may work normally again.');
  });

  it('tells each owner by the route that is theirs', async () => {
    const desk = await open([owners({ owners: ['a*'] }), owners({ name: 'ben', owners: ['ben'] })]);
    for (const [agent, owner] of [
      ['x', 'ada'],
      ['y', 'ben'],
      ['z', 'eve'],
    ])
      await desk.register(agent, { owner });
    for (const agent of ['x', 'y', 'z']) await desk.stop(agent);
    await until(() => phone.state.messages.length === 2);
    await until(() => desk.connectors.status().addressees.every(({ sent }) => sent === 1));
    expect(
      told()
        .map(({ data }) => data['owner'])
        .sort(),
    ).toEqual(['ada', 'ben']);
  });

  it('tells an owner of a revocation that waits for a second person, once', async () => {
    const desk = await open([owners()]);
    await desk.register('clerk', { owner: 'ada' });
    const by = { actor: 'person:eve', authority: 't', parent: null };
    const revoke = { type: 'stop', tenant: '', agent: 'clerk', action: 'revoke', reason: 'stolen' } as const;
    const write = (key: string) => desk.registry.write({ ...revoke, key, forMs: null, callsPerMinute: null, ...by });
    const { approval } = await write('k1');
    await write('k2');
    await desk.stop('clerk');
    await until(() => phone.state.messages.length === 2);
    expect(told().map(({ type }) => type)).toEqual(['approval.wanted', 'agent.suspended']);
    expect(told()[0].data['text']).toContain('Somebody wants to shut your agent clerk off for good.\nWhy: stolen.');
    expect(told()[0].data['text']).toContain(approval);
  });

  it('tells owners of approvals that are wanted and of a halt', async () => {
    const desk = await open([owners()]);
    await desk.register('clerk', { owner: 'ada' });
    await desk.register('other', { owner: 'ben' });
    const by = { actor: 'person:eve', authority: 't', parent: null };
    const subject = { kind: 'call', operation: 'pay', endpoint: null, target: 'acct-1', rule: 'payments' } as const;
    const asked = { actor: 'system', authority: 'system', parent: null };
    const write = desk.registry.write.bind(desk.registry);
    await write({ type: 'approval-request', id: 'a-7', tenant: '', agent: 'clerk', subject, forMs: 60_000, ...asked });
    await until(() => phone.state.messages.length === 1);
    expect(told()[0]).toMatchObject({ type: 'approval.wanted', data: { owner: 'ada', agent: 'clerk' } });
    expect(told()[0].data['text']).toContain("needs a person's leave: pay on acct-1.");
    expect(told()[0].data['text']).toContain('a-7');
    await write({ type: 'halt', key: 'h1', tenant: null, reason: 'we are under attack', ...by });
    await until(() => phone.state.messages.length === 3);
    expect(
      told()
        .slice(1)
        .map(({ type, data }) => [type, data['owner']]),
    ).toEqual([
      ['agents.halted', 'ada'],
      ['agents.halted', 'ben'],
    ]);
  });
});

describe('messages of one owner', () => {
  const notice = (n: number, owner: string | null = 'ada'): Notice => {
    const agent = `agent-${n}`;
    const text = `Your agent ${agent} was stopped.\nMore.`;
    return { key: `k${n}`, owner, tenant: '', agent, timeMs: n, type: 'agent.suspended', text };
  };

  it('are so many a minute, and one summary of the others when the minute is over', () => {
    let nowMs = 0;
    const letters: Letter[] = [];
    const post = new OwnerPost(
      3,
      () => nowMs,
      (letter) => letters.push(letter),
    );
    for (let n = 0; n < 10; n++) post.add(notice(n));
    post.add(notice(50, 'ben'));
    expect(letters.map(({ message }) => message.key)).toEqual(['k0', 'k1', 'k2', 'k50']);
    expect(post.held).toBe(7);
    nowMs = 60_000;
    post.add(notice(11));
    post.stop();
    expect(letters).toHaveLength(6);
    expect(letters[4].keys).toEqual(['k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9']);
    expect(letters[4].message.data).toMatchObject({
      owner: 'ada',
      agents: expect.arrayContaining(['agent-3', 'agent-9']),
    });
    expect(String(letters[4].message.data['text']).split('\n').slice(0, 2)).toEqual([
      '7 more things happened to your agents within a minute; the last of them:',
      '- Your agent agent-3 was stopped.',
    ]);
    expect(letters[5].message.key).toBe('k11');
    expect(post.held).toBe(0);
  });
});
