import { describe, expect, it } from 'vitest';
import { createOutcome } from '../../src/engine/outcome.js';
import type { SourceStateRecord } from '../../src/engine/record.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { EventsLog } from '../../src/pipeline/events-log.js';
import { renderExplanation } from '../../src/pipeline/explanation-text.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';
import { type ItemTaker, takeItems } from '../../src/pipeline/source-items.js';
import { Witness } from '../../src/pipeline/witness.js';
import { engineOf } from '../engine/world.js';
import { NO_PRICES } from '../event/wire.js';
import { linesOf } from './live-world.js';
import { NOW_MS } from './source-world.js';

const REFUSED: SourceStateRecord = {
  type: 'source',
  timeMs: NOW_MS,
  source: 'crm',
  state: 'refused',
  rejections: 200,
  of: 200,
  reason: 'event.bad-json: line is not JSON: hello',
};

describe('the record of a source', () => {
  it('is read back as it was written, and strictly', () => {
    expect(decodeRecord(encodeRecord(REFUSED), 0, NO_PRICES)).toEqual(REFUSED);
    const wrong = [
      { state: 'paused' },
      { source: '' },
      { rejections: -1 },
      { of: 1.5 },
      { reason: 'x'.repeat(301) },
      { more: 1 },
      { timeMs: null },
    ];
    for (const change of wrong) {
      const decoded = decodeRecord(JSON.stringify({ ...REFUSED, ...change }), 7, NO_PRICES);
      expect(decoded).toMatchObject({ rejected: true, code: 'record.invalid', position: 7 });
    }
  });

  it('stands in the first partition alone', async () => {
    const log = createMemoryLog({ topics: { events: 3 } });
    await (await EventsLog.open(log, 3)).control(REFUSED);
    const lines = await Promise.all([0, 1, 2].map((partition) => linesOf({ log, topic: 'events', partition })));
    expect(lines).toEqual([[encodeRecord(REFUSED)], [], []]);
  });

  it('explains the finding that it raised', () => {
    const engine = engineOf();
    const outcome = createOutcome();
    const witness = new Witness({ id: 'f-1', stored: null, partition: 0 });
    witness.before(engine.inside, true);
    engine.step(REFUSED, 12, outcome);
    const explanation = witness.explain(engine.inside, REFUSED, 12, outcome);
    expect(explanation).toMatchObject({ fate: 'source', offset: 12, event: null, step: null, proposals: [] });
    expect(explanation?.finding.lines).toEqual(outcome.findings);
    const text = explanation === null ? '' : renderExplanation(explanation);
    expect(text).toContain('not scored: a source was refused or accepted');
    expect(text).toContain('source crm is refused: 200 of its last 200 records were rejected');
  });
});

describe('a decoder that fails', () => {
  it('costs the record that it failed on, and says why', () => {
    const seen: unknown[] = [];
    const taker: ItemTaker = {
      event: () => seen.push('event'),
      rejected: (refusal, item, line) => seen.push([refusal, item, line]),
      skipped: () => seen.push('skipped'),
    };
    const decode = function* () {
      yield { skipped: true as const, reason: 'no step of an agent', position: 0 };
      throw new TypeError('x is undefined');
    };
    const record = { offset: 1, value: Buffer.from('x'), headers: {} };
    for (const _ of takeItems({ binding: null, skewMaxMs: 0, decode }, record, NOW_MS, taker));
    const refusal = { code: 'source.undecodable', reason: 'the record cannot be decoded: x is undefined' };
    expect(seen).toEqual(['skipped', [refusal, 0, null]]);
  });
});
