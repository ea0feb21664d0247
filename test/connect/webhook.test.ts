/** The signed webhook, verified by the specification's own library. */

import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOfWish } from '../../src/connect/contract.js';
import { messageId, readKeys, signedHeaders } from '../../src/connect/signature.js';
import { createWebhook } from '../../src/connect/webhook.js';
import { openLine } from './line.js';
import { openWebhookReceiver, type Receiver, type WebhookState } from './receivers.js';
import { type Counterpart, describeConnector } from './suite.js';
import { wish } from './wishes.js';

const OLD = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NEW = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const SIGNAL = new AbortController().signal;

describeConnector('a webhook with a status', () => openCounterpart(true));
describeConnector('a webhook without one', () => openCounterpart(false));

async function openCounterpart(hasStatus: boolean): Promise<Counterpart> {
  const receiver = await openWebhookReceiver(OLD);
  const line = await openLine(receiver.url);
  const connector = createWebhook({
    name: 'gate',
    url: `${line.url}/take`,
    secret: () => OLD,
    statusUrl: hasStatus ? `${line.url}/status` : null,
    now: Date.now,
  });
  return {
    connector,
    line,
    secrets: [OLD, OLD.slice(6)],
    isStopped: async (agent) => receiver.state.statuses.get(agent) === 'suspended',
    changes: () => new Set(receiver.state.messages.map(({ id }) => id)).size,
    close: async () => {
      await line.close();
      await receiver.close();
    },
  };
}

describe('a signed webhook', () => {
  let receiver: Receiver<WebhookState>;
  beforeAll(async () => {
    receiver = await openWebhookReceiver(NEW);
  });
  afterAll(() => receiver.close());
  const open = (secret: string) =>
    createWebhook({ name: 'gate', url: receiver.url, secret: () => secret, statusUrl: null, now: Date.now });

  it('is refused by whoever knows another secret, and taken while the secret is rotated', async () => {
    const stop = wish('clerk');
    const key = keyOfWish(stop);
    expect(await open(OLD).apply(stop, key, SIGNAL)).toMatchObject({ done: false, fault: 'place' });
    expect(await open(`${OLD} ${NEW}`).apply(stop, key, SIGNAL)).toEqual({ done: true, note: null });
    expect(receiver.state.refused).toBe(1);
  });

  it('says in plain words what happened, and the same for programs', async () => {
    const stop = wish('crew/clerk', 'throttled', { root: 'crew', version: 5 });
    await open(NEW).apply(stop, keyOfWish(stop), SIGNAL);
    const { id, told } = receiver.state.messages[receiver.state.messages.length - 1];
    expect(id).toBe(messageId('acme/crew/clerk/crew@5'));
    expect(told).toMatchObject({
      type: 'agent.throttled',
      timestamp: new Date(stop.timeMs).toISOString(),
      data: {
        key: 'acme/crew/clerk/crew@5',
        ...{ tenant: 'acme', agent: 'crew/clerk', version: 5, cascade_of: 'crew', status: 'throttled' },
        ...{ until: '2031-05-02T14:00:00.000Z', calls_per_minute: 6, owner: 'ada', by: 'policy' },
      },
    });
    expect(told.data['text']).toBe(
      [
        'Your agent crew/clerk may make fewer calls for now (at most 6 calls a minute), because it works for crew.',
        'Why: crew/clerk repeats one failing call.',
        'An automatic rule decided this.',
        'This ends by itself at 2031-05-02 14:00 UTC, unless somebody ends or changes it before.',
        'What to do: nothing, if the agent can wait. If this is wrong, tell your operators.',
      ].join('\n'),
    );
  });

  it('carries an id that is safe in a header, whatever the agent is called', () => {
    const id = messageId('acme/Büro\u2028.x/3');
    expect(id).toMatch(/^msg_[A-Za-z0-9_-]{32}$/);
    const headers = signedHeaders(readKeys('gate', OLD), id, Date.now(), '{"a":1}');
    expect(new Webhook(OLD).verify('{"a":1}', headers)).toEqual({ a: 1 });
  });

  it.each(['', 'whsec_c2hvcnQ=', `${OLD} ${OLD} ${OLD}`])('needs one or two keys of some length (%#)', (secret) => {
    expect(() => open(secret)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
    expect(() => open(secret)).not.toThrow(/c2hvcnQ/);
  });
});
