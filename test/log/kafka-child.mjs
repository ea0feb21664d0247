/** A process for the tests of kafka-children.ts, in compiled code: dist/ must be built. It says what it does by lines. */
import { joinGroup } from '../../dist/log/kafka-group.js';
import { readKeyed } from '../../dist/log/kafka-keyed.js';
import { openTransactionalWriter } from '../../dist/log/kafka-transaction.js';

const task = JSON.parse(process.argv[2]);
const kafka = { ...task.kafka, report: () => {} };
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Counts on from the last number that was committed, for ever: five records of each, and the number itself by key. */
async function count() {
  const writer = await openTransactionalWriter({ kafka, transactionalId: task.id });
  let last = 0;
  await readKeyed({ kafka, topic: 'state', partition: 0 }, (_key, value) => {
    last = Number(value);
  });
  say({ from: last });
  for (let number = last + 1; ; number += 1) {
    const parts = Array.from({ length: 5 }, (_, part) => ({
      ...{ topic: 'out', partition: part % 2, key: null },
      value: `${number}/${part} ${'.'.repeat(task.bytes)}`,
    }));
    await writer.commit([...parts, { topic: 'state', partition: 0, key: 'last', value: String(number) }]);
    say({ committed: number });
  }
}

/** Writes once, closes, and should then end by itself. */
async function once() {
  const writer = await openTransactionalWriter({ kafka, transactionalId: task.id });
  await writer.commit([{ topic: 'out', partition: 0, key: null, value: 'once' }]);
  await writer.close();
  say({ closed: true });
}

async function member() {
  const { groupId, topics, sessionTimeoutMs } = task;
  const onAssigned = (assignment) => say({ assignment });
  const membership = await joinGroup({ kafka, groupId, topics, prefixed: true, sessionTimeoutMs, onAssigned });
  if (!task.leaves) return;
  await membership.leave();
  say({ left: true });
}

await { count, once, member }[task.kind]();
