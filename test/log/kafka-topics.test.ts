import { expect, it } from 'vitest';
import { checkTopics, createTopics } from '../../src/log/kafka-topics.js';
import { describeKafka } from '../kafka/broker.js';

const PLANS = [
  { topic: 'events', partitions: 2, config: { 'max.message.bytes': '2000000', 'retention.ms': '86400000' } },
  { topic: 'state', partitions: 1, config: { 'cleanup.policy': 'compact' } },
];

describeKafka('the topics of an installation', (broker) => {
  it('are made once, as planned', async () => {
    const options = broker.options();
    const names = PLANS.map(({ topic }) => options.prefix + topic);
    const states = async () => (await checkTopics(options, PLANS)).map(({ topic, state }) => [topic, state]);
    expect(await states()).toEqual(names.map((name) => [name, 'missing']));
    expect(await createTopics(options, PLANS.slice(0, 1), 1)).toEqual(names.slice(0, 1));
    expect(await states()).toEqual([
      [names[0], 'ok'],
      [names[1], 'missing'],
    ]);
    expect(await createTopics(options, PLANS, 1)).toEqual(names.slice(1));
    expect(await createTopics(options, PLANS, 1)).toEqual([]);
    expect(await states()).toEqual(names.map((name) => [name, 'ok']));
  });

  it('are never changed, but what is wrong with them is said', async () => {
    const options = broker.options();
    await createTopics(options, PLANS, 1);
    const [events, state] = PLANS;
    const other = [
      { ...events, partitions: 3, config: { 'max.message.bytes': '3000000', 'retention.ms': '-1' } },
      { ...state, config: { 'cleanup.policy': 'delete', 'segment.ms': '1' } },
    ];
    expect(await createTopics(options, other, 1)).toEqual([]);
    const [first, second] = await checkTopics(options, other);
    expect(first).toMatchObject({ topic: `${options.prefix}events`, state: 'wrong' });
    expect(first.words).toContain('it has 2 partitions, wanted 3');
    expect(first.words).toContain('max.message.bytes is 2000000, wanted at least 3000000');
    expect(first.words).toContain('retention.ms is 86400000, wanted at least -1');
    expect(second.words).toBe(`topic ${options.prefix}state: its cleanup.policy is compact, wanted delete`);
    const modest = [{ ...events, config: { 'max.message.bytes': '1000', 'retention.ms': '1000' } }];
    expect(await checkTopics(options, modest)).toMatchObject([{ state: 'ok' }]);
  });

  it('are refused by the broker in words', async () => {
    const options = broker.options();
    const bad = [{ topic: 'events', partitions: 1, config: { 'retention.ms': 'soon' } }];
    await expect(createTopics(options, bad, 1)).rejects.toMatchObject({ code: 'kafka.wrong-topic' });
    await expect(createTopics(options, PLANS, 3)).rejects.toMatchObject({ code: 'kafka.wrong-topic' });
  });
});
