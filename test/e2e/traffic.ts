/** Plain events of this very minute, for a server on the wall clock. */

/** A call of one tool, now; `more` says what is different about it. */
export function callOf(id: string, agent: string, more: Readonly<Record<string, unknown>> = {}) {
  return { id, time: timeOf(0), agent, operation: 'execute_tool', endpoint: 'queue.poll', status: 'ok', ...more };
}

/** So many ms from now, as an event says it. */
export function timeOf(aheadMs: number): string {
  return new Date(Date.now() + aheadMs).toISOString();
}

/** One failing call, again and again, two a second, the last of them now; ids from `from` on. */
export function loopOf(
  agent: string,
  calls: number,
  more: Readonly<Record<string, unknown>> = {},
  from = 0,
): ReturnType<typeof callOf>[] {
  return Array.from({ length: calls }, (_, i) => {
    const time = timeOf((i - calls + 1) * 500);
    const what = { time, session: `${agent}-loop`, endpoint: 'crm.update', target: 'case-7', status: 'error' };
    return callOf(`${agent}-loop-${from + i}`, agent, { ...what, ...more });
  });
}
