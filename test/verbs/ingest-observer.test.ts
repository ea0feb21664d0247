/** What came in by HTTP, as Prometheus reads it. */
import { expect, it } from 'vitest';
import { createTelemetry } from '../../src/telemetry.js';
import { observeIngest } from '../../src/verbs/ingest-observer.js';

const COUNTS = { accepted: 10, duplicates: 3, rejected: 2, skipped: 1, bytes: 500 };
const intake = { written: 7, duplicates: 3, edges: 0, earlyTurns: 1 };
const lineOf = (text: string, name: string) => text.split('\n').filter((line) => line.startsWith(`${name}{`));

it('tells each event once: what was written, and what was there already', async () => {
  const telemetry = createTelemetry();
  let counts = { ...COUNTS, rejected_by: { 'event.bad-json': 2 } as Record<string, number> };
  telemetry.beforeRead(() => observeIngest(telemetry, counts, intake));
  const first = await telemetry.read();
  expect(lineOf(first, 'killdeer_ingest_accepted_total')).toEqual(['killdeer_ingest_accepted_total{source="http"} 7']);
  expect(lineOf(first, 'killdeer_ingest_duplicates_total')).toEqual([
    'killdeer_ingest_duplicates_total{source="http"} 3',
  ]);
  expect(first).toContain('killdeer_ingest_skipped_total{source="http"} 1');
  expect(first).toContain('killdeer_ingest_bytes_total{source="http"} 500');
  expect(first).toContain('killdeer_ingest_early_turns_total 1');
  expect(first).toContain('killdeer_ingest_rejected_total{source="http",code="event.bad-json"} 2');

  counts = { ...counts, accepted: 12, rejected_by: { 'event.bad-json': 2, 'event.invalid': 5 } };
  const second = await telemetry.read();
  expect(second).toContain('killdeer_ingest_accepted_total{source="http"} 9');
  expect(second).toContain('killdeer_ingest_rejected_total{source="http",code="event.bad-json"} 2');
  expect(second).toContain('killdeer_ingest_rejected_total{source="http",code="event.invalid"} 5');
});

it('names no code that is not in the table', async () => {
  const telemetry = createTelemetry();
  observeIngest(telemetry, { ...COUNTS, rejected_by: { 'made.up': 2 } }, intake);
  expect(await telemetry.read()).toContain('killdeer_ingest_rejected_total{source="http",code="other"} 2');
});
