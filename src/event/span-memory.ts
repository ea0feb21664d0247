/**
 * Which agent a span speaks of and which span called it, for a bounded number of spans: enough to find the agent that
 * delegates. One memory per sender, because a span id is only as good as who says it.
 */

/** What is kept of a span. */
export interface RememberedSpan {
  /** Id of the calling span, '' where there is none. */
  readonly parentId: string;
  /** Agent that the span names itself, null where it names none. */
  readonly agent: string | null;
}

/** Bounded; the spans seen first are forgotten first. */
export interface SpanMemory {
  remember(traceId: string, spanId: string, span: RememberedSpan): void;
  /**
   * The nearest agent on the way from `parentId` up that is not `agent`: who it works for. null where the way is
   * unknown, ends, or is longer than 64 spans.
   */
  delegatorOf(traceId: string, parentId: string, agent: string): string | null;
}

/** Spans on the way up that are looked at; ids that form a circle end here too. */
const STEPS_MAX = 64;

/** Spans that a memory keeps unless told otherwise: more than a record may hold. */
export const SPANS_REMEMBERED = 32_768;

/** An empty memory of at most `limit` spans. */
export function createSpanMemory(limit = SPANS_REMEMBERED): SpanMemory {
  const spans = new Map<string, RememberedSpan>();
  return {
    remember(traceId, spanId, span) {
      const key = `${traceId}-${spanId}`;
      spans.delete(key);
      spans.set(key, span);
      if (spans.size <= limit) return;
      for (const oldest of spans.keys()) {
        spans.delete(oldest);
        return;
      }
    },
    delegatorOf(traceId, parentId, agent) {
      let id = parentId;
      for (let step = 0; step < STEPS_MAX && id !== ''; step++) {
        const span = spans.get(`${traceId}-${id}`);
        if (span === undefined) return null;
        if (span.agent !== null && span.agent !== agent) return span.agent;
        id = span.parentId;
      }
      return null;
    },
  };
}
