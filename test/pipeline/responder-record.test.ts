/** Records of the responder and of stops on the log, and what is explained of them. */
import { describe, expect, it } from 'vitest';
import { createOutcome } from '../../src/engine/outcome.js';
import type { AgentRecord, ResponderRecord } from '../../src/engine/record.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { EventsLog } from '../../src/pipeline/events-log.js';
import { renderExplanation } from '../../src/pipeline/explanation-text.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';
import { Witness } from '../../src/pipeline/witness.js';
import { agentRecord, engineOf } from '../engine/world.js';
import { NO_PRICES } from '../event/wire.js';
import { linesOf } from './live-world.js';

const PAGE: ResponderRecord = {
  ...{ type: 'responder', timeMs: 1_000, what: 'breaker-open', tenant: '', agent: 'fleet', key: '41' },
  ...{ words: 'the breaker is open', agents: ['a', 'b'] },
};

describe('the record of the responder', () => {
  it('is read back as it was written, and strictly', () => {
    expect(decodeRecord(encodeRecord(PAGE), 0, NO_PRICES)).toEqual(PAGE);
    const wrong = [
      { what: 'rain' },
      { agent: '' },
      { key: '' },
      { words: 'x'.repeat(501) },
      { agents: 'a' },
      { more: 1 },
    ];
    for (const change of wrong) {
      const decoded = decodeRecord(JSON.stringify({ ...PAGE, ...change }), 7, NO_PRICES);
      expect(decoded).toMatchObject({ rejected: true, code: 'record.invalid', position: 7 });
    }
  });

  it('stands in the first partition alone', async () => {
    const log = createMemoryLog({ topics: { events: 3 } });
    await (await EventsLog.open(log, 3)).control(PAGE);
    const lines = await Promise.all([0, 1, 2].map((partition) => linesOf({ log, topic: 'events', partition })));
    expect(lines).toEqual([[encodeRecord(PAGE)], [], []]);
  });

  it('explains the finding that it raised', () => {
    const engine = engineOf();
    const outcome = createOutcome();
    const witness = new Witness({ id: 'f-1', stored: null, partition: 0 });
    witness.before(engine.inside, true);
    engine.step(PAGE, 12, outcome);
    const explanation = witness.explain(engine.inside, PAGE, 12, outcome);
    expect(explanation).toMatchObject({ fate: 'responder', offset: 12, event: null, step: null, proposals: [] });
    expect(explanation?.finding.lines).toEqual(outcome.findings);
    expect(explanation === null ? '' : renderExplanation(explanation)).toContain('the registry had to tell people');
  });
});

describe('the record of an agent', () => {
  const stopped = { sinceMs: 5, untilMs: null, action: 'suspend', version: 2, automatic: true } as const;
  const stop: AgentRecord = { ...agentRecord('clerk', 5, {}), stopped };

  it('carries the stop in force, and reads as before where it carries none', () => {
    for (const record of [stop, agentRecord('clerk', 5, {}), { ...stop, stopped: null, protected: true } as const]) {
      expect(decodeRecord(encodeRecord(record), 0, NO_PRICES)).toEqual(record);
    }
  });

  it.each([{ version: -1 }, { action: 'pause' }, { untilMs: 'never' }, { more: 1 }])(
    'is strict about it: %o',
    (change) => {
      const wrong = JSON.stringify({ ...stop, stopped: { ...stopped, ...change } });
      expect(decodeRecord(wrong, 0, NO_PRICES)).toMatchObject({ rejected: true, code: 'record.invalid' });
    },
  );
});
