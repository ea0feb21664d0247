import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stateOf } from '../../src/render/taken.js';
import { findingWith } from '../render/states.js';
import { openReceiver, type Receiver } from './receiver.js';
import { QUICK, until, World, type WorldOptions } from './world.js';

interface Envelope {
  readonly type: string;
  readonly data: { readonly key: string; readonly items: readonly Item[] };
}
interface Item {
  readonly key: string;
  readonly type: string;
  readonly text: string;
  readonly finding: { readonly id: string; readonly status: string };
}

const worlds: World[] = [];
const receivers: Receiver[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
  for (const receiver of receivers.splice(0)) await receiver.close();
});

async function begin(options: WorldOptions = {}) {
  const world = new World(options);
  worlds.push(world);
  const receiver = await openReceiver();
  receivers.push(receiver);
  const webhook = { ...QUICK, name: 'siem', kind: 'webhook', url: receiver.url, secret_env: 'SINK_SECRET' };
  return { world, receiver, webhook };
}

const nth = (i: number) => findingWith({ id: `f-${i}`, time: new Date(Date.now() + i).toISOString() });
const itemsOf = (receiver: Receiver): Item[] =>
  receiver.taken.flatMap(({ body }) => [...(body as Envelope).data.items]);
const idsOf = (receiver: Receiver): string[] => itemsOf(receiver).map(({ finding }) => finding.id);

describe('a webhook', () => {
  it('gets what is raised from its first start on, signed, in order, each once', async () => {
    const { world, receiver, webhook } = await begin();
    await world.raise(nth(0));
    const sinks = await world.open([webhook]);
    await until('the sink knows where it begins', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    for (let i = 1; i <= 20; i++) await world.raise(nth(i));
    await until('all came', () => idsOf(receiver).length === 20);
    expect(idsOf(receiver)).toEqual(Array.from({ length: 20 }, (_, i) => `f-${i + 1}`));
    expect(receiver.unsigned).toBe(0);
    expect(itemsOf(receiver)[0]).toMatchObject({ type: 'finding.raised', text: expect.stringContaining('HIGH') });
    await until('it knows', async () => (await sinks.status()).sinks[0]?.sent === 20);
    expect((await sinks.status()).sinks[0]).toMatchObject({ dead: 0, backlog: 0, breaker: 'closed' });
  });

  it('gets each at least once over 500, 429, a hang and a lost answer, with the same id', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([{ ...webhook, timeout: 200, batch: { wait: 1, max: 1 } }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    receiver.next.push({ status: 500 }, { status: 429, retryAfter: '0' }, 'hang', 'lose', { status: 204 });
    for (let i = 1; i <= 3; i++) await world.raise(nth(i));
    await until('all came', () => new Set(idsOf(receiver)).size === 3);
    expect(new Set(receiver.seen.slice(0, 5).map(({ id }) => id)).size).toBe(1);
    expect(idsOf(receiver)).toEqual(['f-1', 'f-1', 'f-2', 'f-3']);
    await until('it knows', async () => (await sinks.status()).sinks[0]?.sent === 3);
    const [sink] = (await sinks.status()).sinks;
    expect(sink).toMatchObject({ dead: 0 });
    expect(sink?.lastError).toMatch(/no answer|answered with/);
  });

  it('leaves an address alone as long as it asks', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([webhook]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    receiver.next.push({ status: 429, retryAfter: '1' });
    await world.raise(nth(1));
    await until('it came', () => receiver.taken.length === 1);
    expect((receiver.taken[0]?.atMs ?? 0) - (receiver.seen[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(950);
  });

  it('is told again what it was being told when the process ended, under the same id, and nothing is lost', async () => {
    const { world, receiver, webhook } = await begin();
    const first = await world.open([webhook]);
    await until('it began', async () => (await first.status()).sinks[0]?.backlog === 0);
    receiver.next.push('hang');
    await world.raise(nth(1));
    await until('it is under way', () => receiver.seen.length === 1);
    await first.setActive(null);
    // More has come meanwhile; it must not change what is repeated.
    await world.raise(nth(2));
    await world.open([webhook]);
    await until('both came', () => idsOf(receiver).length === 2);
    expect(receiver.taken[0]?.id).toBe(receiver.seen[0]?.id);
    expect(receiver.taken[0]?.body).toMatchObject({ data: { items: [{ finding: { id: 'f-1' } }] } });
    expect(idsOf(receiver)).toEqual(['f-1', 'f-2']);
  });

  it('goes on from the registry where another process takes over', async () => {
    const { world, receiver, webhook } = await begin({ isShared: true });
    const first = await world.open([webhook]);
    const second = await world.open([webhook], false);
    await until('it began', async () => (await first.status()).sinks[0]?.backlog === 0);
    for (let i = 1; i <= 3; i++) await world.raise(nth(i));
    // It has heard so too: what it does not know to be taken is told again.
    await until('three came', async () => (await first.status()).sinks[0]?.sent === 3);
    await first.setActive(null);
    await world.raise(nth(4));
    await second.setActive(world.ports());
    await until('the fourth came', () => idsOf(receiver).length === 4);
    expect(idsOf(receiver)).toEqual(['f-1', 'f-2', 'f-3', 'f-4']);
  });

  it('that refuses a message for what it is does not hold up the next; people are told, and it is kept', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([{ ...webhook, refusals_max: 2, batch: { wait: 1, max: 1 } }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    receiver.next.push({ status: 400 }, { status: 400 });
    await world.raise(nth(1));
    await world.raise(nth(2));
    await until('the second came', () => idsOf(receiver).includes('f-2'));
    expect(idsOf(receiver)).toEqual(['f-2']);
    const dead = readFileSync(join(world.dir, 'sinks/siem.dead.jsonl'), 'utf8').trim().split('\n');
    expect(dead).toHaveLength(1);
    expect(JSON.parse(dead[0] as string)).toMatchObject({ sink: 'siem', value: { finding: { id: 'f-1' } } });
    expect(world.controls).toMatchObject([{ what: 'delivery-dead', agent: 'fleet' }]);
    await until('it knows', async () => (await sinks.status()).sinks[0]?.sent === 1);
    expect((await sinks.status()).sinks[0]).toMatchObject({ dead: 1 });
  });

  it('that is away longer than it may be costs what is older, not what comes after', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([{ ...webhook, give_up_after: 60_000, batch: { wait: 1, max: 1 } }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    // As often as it is tried until the time has passed.
    receiver.next.push(...Array.from({ length: 200 }, () => ({ status: 503 })));
    await world.raise(nth(1));
    await until('it knows that it failed', async () => (await sinks.status()).sinks[0]?.lastError !== null);
    world.skewMs = 120_000;
    await until('it was given up', async () => (await sinks.status()).sinks[0]?.dead === 1);
    receiver.next.splice(0);
    await world.raise(nth(2));
    await until('the next came', () => idsOf(receiver).includes('f-2'));
    expect(idsOf(receiver)).toEqual(['f-2']);
  });

  it('says who it is where it is asked to, and no secret stands in its status', async () => {
    const { world, receiver, webhook } = await begin();
    process.env['SINK_TOKEN'] = 'Splunk very-secret-token';
    const sinks = await world.open([{ ...webhook, authorization_env: 'SINK_TOKEN' }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    receiver.next.push({ status: 401 });
    await world.raise(nth(1));
    await until('it came', () => receiver.taken.length === 1);
    expect(receiver.taken[0]?.authorization).toBe('Splunk very-secret-token');
    expect(JSON.stringify(await sinks.status())).not.toContain('very-secret');
  });
});

describe('what a sink wants', () => {
  it('is what its filter lets through', async () => {
    const { world, receiver, webhook } = await begin();
    const filter = { severity: 'high', tenants: ['acme'], agents: ['billing-*'], kinds: ['exfiltration'] };
    const sinks = await world.open([{ ...webhook, filter }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    const time = new Date().toISOString();
    await world.raise(findingWith({ time, id: 'f-1', severity: 'medium' }));
    await world.raise(findingWith({ time, id: 'f-2', tenant: 'other' }));
    await world.raise(findingWith({ time, id: 'f-3', agent: 'sales-1' }));
    await world.raise(findingWith({ time, id: 'f-4', kind: 'joint' }));
    await world.raise(findingWith({ time, id: 'f-5', mutedBy: 'v-1' }));
    await world.raise(findingWith({ time, id: 'f-6' }));
    await until('one came', () => idsOf(receiver).length > 0);
    expect(idsOf(receiver)).toEqual(['f-6']);
  });

  it('leaves out notices unless it says so', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([webhook, { ...webhook, name: 'all', filter: { notices: true, suppressed: true } }]);
    await until('they began', async () => (await sinks.status()).sinks.every(({ backlog }) => backlog === 0));
    const time = new Date().toISOString();
    await world.raise(findingWith({ time, id: 'f-low', severity: 'low' }));
    await world.raise(findingWith({ time, id: 'f-high' }));
    await until('three came', () => idsOf(receiver).length === 3);
    expect(idsOf(receiver).sort()).toEqual(['f-high', 'f-high', 'f-low']);
  });

  it('holds verdicts, statuses and stops where it says so, after the finding itself', async () => {
    const { world, receiver, webhook } = await begin();
    const sinks = await world.open([{ ...webhook, updates: true, actions: true }]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    const finding = nth(1);
    const person = { actor: 'person:kim', authority: 't-1', parent: null };
    world.states.set('f-1', stateOf(finding, Date.parse(finding.time), 1));
    await world.raise(finding);
    await until('the finding came', () => itemsOf(receiver).length === 1);
    const seen = { type: 'seen', tenant: 'acme', agent: 'billing-3', agentVersion: null } as const;
    world.record({ ...seen, timeMs: Date.now(), actor: 'system', authority: 'system', parent: null });
    const stop = { type: 'stop', key: 'k-1', tenant: 'acme', agent: 'billing-3', action: 'suspend' } as const;
    world.record({
      ...stop,
      ...person,
      timeMs: Date.now(),
      reason: 'it sends data',
      forMs: null,
      callsPerMinute: null,
    });
    world.states.set('f-1', {
      ...stateOf(finding, Date.parse(finding.time), 1),
      status: 'closed',
      closedMs: Date.now(),
    });
    const change = { what: 'status', status: 'closed', resolution: 'other' } as const;
    world.record({ type: 'triage', key: 'k-2', findings: ['f-1'], change, ...person, timeMs: Date.now() });
    await until('all came', () => itemsOf(receiver).length === 3);
    expect(itemsOf(receiver).map(({ type }) => type)).toEqual(['finding.raised', 'action', 'finding.closed']);
    expect(itemsOf(receiver)[1]).toMatchObject({ action: { activity: 'isolate', agent: 'billing-3', record: 'stop' } });
    expect(itemsOf(receiver)[2]?.finding.status).toBe('closed');
  });
});

describe('a sink for people', () => {
  it('holds back what is beyond the day, worst first in one digest, and never what is critical', async () => {
    const { world, receiver, webhook } = await begin({ pagesPerDay: 2 });
    const pager = { ...webhook, name: 'pager', format: 'text', pages: true };
    const sinks = await world.open([pager]);
    await until('it began', async () => (await sinks.status()).sinks[0]?.backlog === 0);
    const severities = ['medium', 'medium', 'medium', 'high', 'high', 'high', 'critical'] as const;
    for (const [i, severity] of severities.entries()) {
      await world.raise(findingWith({ ...nth(i), agent: `a-${i}`, severity }));
    }
    const textsOf = () => receiver.taken.map(({ body }) => (body as { text: string }).text);
    await until('five came', () => textsOf().length === 5);
    expect(textsOf().map((text) => text.split('\n', 1)[0])).toEqual([
      'MEDIUM exfiltration: a-0 (acme)',
      'MEDIUM exfiltration: a-1 (acme)',
      'HIGH exfiltration: a-3 (acme)',
      'HIGH exfiltration: a-4 (acme)',
      'CRITICAL exfiltration: a-6 (acme)',
    ]);
    await until('all are counted', async () => (await sinks.status()).sinks[0]?.paged === 5);
    expect((await sinks.status()).sinks[0]).toMatchObject({ held: ['f-5', 'f-2'], heldCount: 2 });

    // Also over a restart.
    await sinks.setActive(null);
    const path = join(world.dir, 'sinks/pager.position.json');
    const position = JSON.parse(readFileSync(path, 'utf8')) as { heldSinceMs: number };
    writeFileSync(path, JSON.stringify({ ...position, heldSinceMs: position.heldSinceMs - 3_700_000 }));
    const second = await world.open([pager]);
    await until('the digest came', () => textsOf().length === 6);
    expect(textsOf()[5]).toContain('2 findings were held back');
    expect(textsOf()[5]?.indexOf('a-5')).toBeLessThan(textsOf()[5]?.indexOf('a-2') as number);
    await until('none is held', async () => (await second.status()).sinks[0]?.heldCount === 0);
  });
});

describe('a file', () => {
  it('has a line for each, in the format it was given', async () => {
    const { world } = await begin({ partitions: 2 });
    const file = { ...QUICK, kind: 'file' };
    const sinks = await world.open([
      { ...file, name: 'ocsf', format: 'ocsf' },
      { ...file, name: 'text', format: 'text' },
    ]);
    await until('they began', async () => (await sinks.status()).sinks.every(({ backlog }) => backlog === 0));
    for (let i = 1; i <= 6; i++) await world.raise(nth(i), i % 2);
    await until('all are sent', async () => (await sinks.status()).sinks.every(({ sent }) => sent === 6));
    const linesOf = (name: string) =>
      readFileSync(join(world.dir, `sinks/${name}.jsonl`), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(linesOf('ocsf')).toHaveLength(6);
    expect(linesOf('ocsf')[0]).toMatchObject({ class_uid: 2004, activity_id: 1 });
    expect(linesOf('text')[0]).toMatchObject({ text: expect.stringContaining('HIGH exfiltration') });
  });
});

describe('several sinks', () => {
  it('do not wait for each other, nor anybody for them', async () => {
    const { world, receiver, webhook } = await begin();
    const away = { ...webhook, name: 'away', url: 'http://127.0.0.1:9/' };
    const sinks = await world.open([away, webhook]);
    await until('they began', async () => (await sinks.status()).sinks.every(({ backlog }) => backlog === 0));
    for (let i = 1; i <= 50; i++) await world.raise(nth(i));
    await until('one has all', () => idsOf(receiver).length === 50);
    await until('it knows', async () => (await sinks.status()).sinks[1]?.sent === 50);
    const [down, up] = (await sinks.status()).sinks;
    expect(down).toMatchObject({ sent: 0, backlog: 50 });
    expect(up).toMatchObject({ sent: 50, backlog: 0 });
  });
});
