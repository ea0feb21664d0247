import { test } from 'vitest';
import { traffic } from '/work/main/test/engine/traffic.js';
import { engineOf, outcomeOf, withTicks } from '/work/main/test/engine/world.js';
test('x', () => {
  const t0 = performance.now();
  const r = withTicks(traffic({ seed: 1, agents: 12, hours: 24 * 8, sessionsPerHour: 2 }));
  const e = engineOf({});
  const o = outcomeOf(e, r);
  console.log(r.length, performance.now() - t0, e.counts, o.findings.map((f) => `${f.kind}:${f.severity}`).join(' '));
  const t1 = performance.now(); const s = e.snapshot(); console.log('snap', performance.now() - t1, s.length);
});
