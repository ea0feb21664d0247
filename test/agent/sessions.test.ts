import { describe, expect, it } from 'vitest';
import { S, SessionTable, U } from '../../src/agent/sessions.js';
import { createRandom } from '../../src/math/random.js';

interface Row {
  readonly agent: number;
  readonly hash: number;
  readonly row: number;
}

/** Checks a table against a list kept in order of use. */
function expectSame(table: SessionTable, byUse: readonly Row[], agents: number): void {
  expect(table.size).toBe(byUse.length);
  expect([...table.oldestFirst()]).toEqual(byUse.map(({ row }) => row));
  for (let agent = 0; agent < agents; agent++) {
    const own = byUse.filter((each) => each.agent === agent);
    expect(new Set(table.rowsOf(agent))).toEqual(new Set(own.map(({ row }) => row)));
    expect(table.rowsOf(agent)).toHaveLength(own.length);
  }
  for (const { agent, hash, row } of byUse) {
    expect(table.find(agent, hash)).toBe(row);
    expect(table.ownerOf(row)).toBe(agent);
  }
}

describe('sessions', () => {
  it('keep chains, uses and room through any mixture of opening, touching and closing', () => {
    const random = createRandom('sessions');
    const table = new SessionTable(200);
    const byUse: Row[] = [];
    for (let step = 1; step < 3000; step++) {
      const draw = random.next();
      if (draw < 0.5 && table.full() === -1) {
        const agent = random.below(9);
        byUse.push({ agent, hash: step, row: table.open(agent, step, step) });
      } else if (byUse.length > 0) {
        const [used] = byUse.splice(random.below(byUse.length), 1);
        if (draw < 0.75) {
          table.touch(used.row, step);
          byUse.push(used);
        } else table.close(used.row);
      }
      if (step % 97 === 0) expectSame(table, byUse, 9);
    }
    expectSame(table, byUse, 9);
  });

  it('name the least recently used one when there is no room', () => {
    const table = new SessionTable(3);
    const rows = [1, 2, 3].map((hash) => table.open(0, hash, hash));
    expect(table.full()).toBe(rows[0]);
    table.touch(rows[0], 10);
    expect(table.full()).toBe(rows[1]);
    table.close(rows[1]);
    expect(table.full()).toBe(-1);
  });

  it('list the sessions of an agent from the one opened last, whatever was used since', () => {
    const table = new SessionTable(10);
    const rows = [5, 6, 7].map((hash) => table.open(2, hash, hash));
    table.touch(rows[0], 100);
    expect(table.rowsOf(2)).toEqual([...rows].reverse());
    expect(table.rowsOf(1)).toEqual([]);
    expect(table.find(1, 5)).toBe(-1);
  });

  it('open with nothing left of the row that was there', () => {
    const table = new SessionTable(10);
    const row = table.open(1, 11, 5);
    table.f64.fill(9, row * S.ROW, row * S.ROW + U.agent / 2);
    table.u32.fill(9, row * U.ROW + U.errorRun, (row + 1) * U.ROW);
    table.u32[row * U.ROW + U.agent] = 1;
    table.close(row);
    const again = table.open(3, 12, 6);
    expect(again).toBe(row);
    expect([...table.f64.slice(again * S.ROW, again * S.ROW + U.agent / 2)]).toEqual([6, 0, 0, 0]);
    expect(table.u32.slice(again * U.ROW + U.errorRun, (again + 1) * U.ROW).every((word) => word === 0)).toBe(true);
  });

  it('take memory for the sessions that run, not for all that ever ran', () => {
    const table = new SessionTable(1000);
    for (let hash = 0; hash < 20_000; hash++) {
      const row = table.open(hash % 50, hash, hash);
      if (hash >= 90) table.close(table.full() === -1 ? ([...table.oldestFirst()][0] as number) : row);
    }
    expect(table.size).toBeLessThanOrEqual(91);
    expect(table.bytes).toBeLessThan(128 * 200);
  });

  it('do not move back in time', () => {
    const table = new SessionTable(4);
    const row = table.open(0, 1, 100);
    table.touch(row, 50);
    expect(table.f64[row * S.ROW + S.lastMs]).toBe(100);
  });
});
