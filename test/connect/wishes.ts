/** Wishes of the connectors' tests. */
import type { Wish } from '../../src/connect/contract.js';

export function wish(agent: string, status: Wish['status'] = 'suspended', rest: Partial<Wish> = {}): Wish {
  const actions = {
    active: 'release',
    throttled: 'throttle',
    restricted: 'restrict',
    suspended: 'suspend',
    revoked: 'revoke',
  };
  return {
    tenant: 'acme',
    agent,
    version: 2,
    root: null,
    status,
    action: actions[status] as Wish['action'],
    reason: `${agent} repeats one failing call`,
    untilMs: status === 'active' || status === 'revoked' ? null : Date.UTC(2031, 4, 2, 14),
    callsPerMinute: status === 'throttled' ? 6 : null,
    owner: 'ada',
    parent: null,
    timeMs: Date.now(),
    by: 'policy',
    ...rest,
  };
}

/** Waits until it is so; fails the test where it never becomes so. */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error('it never came about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
