/** What owners are told of pages about their agents, at a real receiver. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.js';
import { finding } from '../api/world.js';
import { verdictOn } from '../engine/verdict-of.js';
import { type Desk, memoryLog, openDesk, QUICK } from './desk.js';
import { openWebhookReceiver, type Receiver, type WebhookState } from './receivers.js';
import { until } from './wishes.js';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const { verify_within: _, reread_every: __, ...MAIL } = QUICK;
const PERSON = { actor: 'person:ada', authority: 't1', parent: null } as const;

let chat: Receiver<WebhookState>;
let log: Log;
const desks: Desk[] = [];

beforeEach(async () => {
  process.env['KILLDEER_TEST_CHAT'] = SECRET;
  chat = await openWebhookReceiver(SECRET);
  log = memoryLog();
});
afterEach(async () => {
  for (const desk of desks.splice(0)) {
    await desk.close();
    expect(desk.faults).toEqual([]);
  }
  await chat.close();
});

const open = async (rest: object = {}): Promise<Desk> => {
  const owners = { kind: 'notify', name: 'owners', url: chat.url, secret_env: 'KILLDEER_TEST_CHAT', ...MAIL, ...rest };
  const desk = await openDesk([owners], { log });
  desks.push(desk);
  return desk;
};
const page = (id: string, over: object = {}) => finding(id, { time: new Date().toISOString(), ...over });
/** A message that was answered too late comes again under its key. */
const told = () => {
  const messages = chat.state.messages.map((message) => message.told);
  return messages.filter(({ data }, at) => messages.findIndex((one) => one.data['key'] === data['key']) === at);
};
const wordOn = (id: string, verdict: 'expected' | 'true-positive') => ({
  ...({ type: 'verdict', ...PERSON } as const),
  verdict: verdictOn(page(id), { timeMs: Date.now(), id: `v-${id}-${verdict}`, verdict }),
});

it('tells an owner of a page on an agent of theirs once, and what people made of it', async () => {
  const desk = await open();
  await desk.register('clerk', { owner: 'eve' });
  for (const severity of ['low', 'medium', 'high'] as const) desk.connectors.finding(page('f1', { severity }));
  await desk.registry.write(wordOn('f1', 'expected'));
  // The same said twice is told once.
  const change = { what: 'status', status: 'closed', resolution: 'expected' } as const;
  await desk.registry.write({ type: 'triage', ...PERSON, key: 'k', findings: ['f1'], change });
  await desk.registry.write(wordOn('f1', 'true-positive'));
  await until(() => told().length === 3);
  expect(told().map(({ type, data }) => [type, data['key'], data['owner'], data['agent']])).toEqual([
    ['finding.page', 'finding/f1', 'eve', 'clerk'],
    ['finding.outcome', 'finding/f1/expected', 'eve', 'clerk'],
    ['finding.outcome', 'finding/f1/true-positive', 'eve', 'clerk'],
  ]);
  expect(told()[0].data['text']).toMatch(
    /^Your agent clerk did something unusual at .* UTC\.\nWhat: clerk repeats a failing call\.\nWhat to do: .*: f1\.$/,
  );
});

it('tells nobody of what was muted, of notices, of the fleet, or of words on what did not page', async () => {
  const desk = await open();
  desk.connectors.finding(page('f1', { severity: 'low', mutedBy: 's-1' }));
  desk.connectors.finding(page('f2', { severity: 'low' }));
  desk.connectors.finding(page('f3', { agent: 'fleet', root: 'fleet' }));
  await desk.registry.write(wordOn('f1', 'expected'));
  desk.connectors.finding(page('f4'));
  await until(() => told().length === 1);
  expect(told()[0].data['key']).toBe('finding/f4');
});

it('keeps to what an owner may be told in a minute, and tells the rest as one', async () => {
  const desk = await open({ per_minute: 2 });
  await desk.register('clerk', { owner: 'eve' });
  for (let at = 0; at < 9; at++) desk.connectors.finding(page(`f${at}`));
  await until(() => told().length === 2 && desk.connectors.status().addressees[0].backlog === 7);
  expect(told().map(({ type }) => type)).toEqual(['finding.page', 'finding.page']);
});

it('tells a place once, whatever dies in between, and goes by its owners', async () => {
  const first = await open({ owners: ['eve'] });
  await first.register('clerk', { owner: 'eve' });
  await first.register('scribe', { owner: 'bob' });
  const pages = [page('f1'), page('f2', { agent: 'scribe', root: 'scribe' })];
  for (const one of pages) first.connectors.finding(one);
  await until(() => told().length === 1);
  await desks.splice(0)[0].close();
  const second = await open({ owners: ['eve'] });
  for (const one of [...pages, page('f3')]) second.connectors.finding(one);
  await until(() => told().length >= 2);
  expect(told().map(({ data }) => data['key'])).toEqual(['finding/f1', 'finding/f3']);
});
