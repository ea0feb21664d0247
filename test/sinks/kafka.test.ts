import { afterEach, expect, it } from 'vitest';
import { readKeyed } from '../../src/log/kafka-keyed.js';
import { openPublisher } from '../../src/verbs/sink-delivery.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';
import { findingWith } from '../render/states.js';
import { QUICK, until, World } from './world.js';

describeKafka('a topic', (broker) => {
  let world: World;
  let close: () => Promise<void>;
  afterEach(async () => {
    await world.close();
    await close();
  });

  it('gets each finding under its agent, in order, and what is missing is said without a secret', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, { alerts: 1 });
    const publisher = openPublisher(kafka);
    close = publisher.close;
    world = new World({ publish: publisher.publish });
    const sink = { ...QUICK, kind: 'kafka', timeout: 20_000, filter: { notices: true } };
    const sinks = await world.open([
      { ...sink, name: 'stream', topic: `${kafka.prefix}alerts` },
      { ...sink, name: 'lost', topic: `${kafka.prefix}nowhere` },
    ]);
    await until('they began', async () => (await sinks.status()).sinks.every(({ backlog }) => backlog === 0));
    for (let i = 0; i < 10; i++) {
      await world.raise(findingWith({ id: `f-${i}`, agent: `a-${i % 2}`, time: new Date().toISOString() }));
    }
    await until('all are sent', async () => (await sinks.status()).sinks[0]?.sent === 10);
    const got: [string, string][] = [];
    await readKeyed({ kafka, topic: 'alerts', partition: 0 }, (key, value) => {
      const { finding } = JSON.parse(String(value)) as { finding: { id: string } };
      got.push([key, finding.id]);
    });
    expect(got).toEqual(Array.from({ length: 10 }, (_, i) => [`acme/a-${i % 2}`, `f-${i}`]));
    await until('the other failed', async () => (await sinks.status()).sinks[1]?.lastError !== null);
    expect((await sinks.status()).sinks[1]?.lastError).toMatch(/^topic: (kafka\.[a-z-]+|no answer in time)$/);
  });
});
