/** When a place is left alone, and for how long. */
import { expect, it } from 'vitest';
import { Breaker } from '../../src/connect/breaker.js';
import { pauseMs } from '../../src/connect/pause.js';

const most = () => new Breaker({ failures: 3, rest: { firstMs: 100, mostMs: 350 }, draw: () => 1 });

it('opens after failures in a row, lets one probe through, and closes where that succeeds', () => {
  const breaker = most();
  breaker.failed(0, null);
  breaker.failed(0, null);
  breaker.succeeded();
  for (let n = 0; n < 2; n++) breaker.failed(1_000, null);
  expect([breaker.state, breaker.freeAtMs()]).toEqual(['closed', 0]);
  breaker.failed(1_000, null);
  expect([breaker.state, breaker.freeAtMs()]).toEqual(['open', 1_100]);
  breaker.begin();
  expect([breaker.state, breaker.freeAtMs()]).toEqual(['half-open', null]);
  breaker.succeeded();
  expect(breaker.state).toBe('closed');
});

it('rests longer with every probe that fails, up to a limit', () => {
  const breaker = most();
  for (let n = 0; n < 3; n++) breaker.failed(0, null);
  const rests: (number | null)[] = [];
  for (let n = 0; n < 4; n++) {
    const at = breaker.freeAtMs() as number;
    breaker.begin();
    breaker.failed(at, null);
    rests.push((breaker.freeAtMs() as number) - at);
  }
  expect(rests).toEqual([200, 350, 350, 350]);
});

it('does as it is asked where it is asked to wait, within an hour', () => {
  const breaker = most();
  breaker.failed(0, 7_000);
  expect([breaker.state, breaker.freeAtMs()]).toEqual(['closed', 7_000]);
  breaker.failed(0, 86_400_000);
  expect(breaker.freeAtMs()).toBe(3_600_000);
});

it('waits anywhere between nothing and twice as long as before', () => {
  const pause = { firstMs: 1_000, mostMs: 300_000 };
  expect([1, 2, 3, 9, 10, 1_000_000].map((tries) => pauseMs(pause, tries, () => 1))).toEqual([
    ...[1_000, 2_000, 4_000, 256_000, 300_000, 300_000],
  ]);
  expect(pauseMs(pause, 5, () => 0)).toBe(0);
  expect(pauseMs(pause, 3, () => 0.5)).toBe(2_000);
});
