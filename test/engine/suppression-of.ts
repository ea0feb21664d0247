/** Suppressions as the API makes them: of everything that clerk does, for ever unless said. */
import type { SuppressionRecord } from '../../src/engine/record.js';

export function suppressionOf(over: Partial<SuppressionRecord> = {}): SuppressionRecord {
  return {
    ...{ type: 'suppress', timeMs: 1, id: 's-1', tenant: '', scope: { agent: 'clerk' } },
    ...{ kinds: null, detector: null, endpoint: null, target: null, below: 'high' },
    ...{ fromMs: 0, untilMs: 8e15, reason: 'maintenance', actor: 'person:ann' },
    ...over,
  };
}
