/** What comes in by HTTP, as the metrics of telemetry.ts. */
import type { IngestCounts } from '../api/ingest.js';
import type { ErrorCode } from '../errors.js';
import type { IntakeCounts } from '../pipeline/intake.js';
import type { Telemetry } from '../telemetry.js';

/** As a source of events, beside those that the configuration names. */
const source = 'http';

/** To be called before each reading. */
export function observeIngest(
  telemetry: Telemetry,
  { accepted, duplicates, skipped, bytes, rejected_by: rejectedBy }: Readonly<IngestCounts>,
  { earlyTurns }: Readonly<IntakeCounts>,
): void {
  // As of the sources: an event is accepted or a duplicate, not both.
  telemetry.total('killdeer_ingest_accepted_total', { source }, accepted - duplicates);
  telemetry.total('killdeer_ingest_duplicates_total', { source }, duplicates);
  telemetry.total('killdeer_ingest_skipped_total', { source }, skipped);
  telemetry.total('killdeer_ingest_bytes_total', { source }, bytes);
  for (const [code, count] of Object.entries(rejectedBy)) {
    telemetry.total('killdeer_ingest_rejected_total', { source, code: code as ErrorCode }, count);
  }
  telemetry.total('killdeer_ingest_early_turns_total', {}, earlyTurns);
}
