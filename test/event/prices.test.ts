import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { PRICE_LIST, PRICE_LIST_DATE } from '../../src/event/price-list.js';
import { createPriceTable, type PriceRow, price } from '../../src/event/prices.js';

const AT = Date.parse('2025-06-02T00:00:00Z');

function row(model: string, inputUsd: number, from = '2024-01-01'): PriceRow {
  return { model, from, inputUsd, outputUsd: 10 };
}

/** US dollars of a million input tokens: the row that was found. */
function found(rows: readonly PriceRow[], model: string, timeMs = AT): number | null {
  return price(createPriceTable(rows), model, timeMs, 1_000_000, 0);
}

describe('price', () => {
  it('is tokens times list price per million', () => {
    const table = createPriceTable([{ model: 'm', from: '2024-01-01', inputUsd: 2.5, outputUsd: 10 }]);
    expect(price(table, 'm', AT, 1353, 69)).toBeCloseTo(0.0040725, 12);
    expect(price(table, 'm', AT, 0, 0)).toBe(0);
  });

  it('prefers the exact name, then the longest beginning', () => {
    const rows = [row('claude', 1), row('claude-3', 2), row('claude-3-opus', 3), row('claude-3-opus-x', 4)];
    expect(found(rows, 'claude-3-opus')).toBe(3);
    expect(found(rows, 'claude-3-opus-20240229')).toBe(3);
    expect(found(rows, 'claude-3-haiku')).toBe(2);
    expect(found(rows, 'claude-2')).toBe(1);
    expect(found(rows, 'my-claude')).toBeNull();
  });

  it('takes a beginning only up to a separator', () => {
    const rows = [row('gpt-4', 30), row('o1', 15), row('mine/', 1)];
    expect(found(rows, 'gpt-4-0613')).toBe(30);
    expect(found(rows, 'gpt-4:latest')).toBe(30);
    expect(found(rows, 'gpt-4o')).toBeNull();
    expect(found(rows, 'gpt-4.1')).toBeNull();
    expect(found(rows, 'o12')).toBeNull();
    expect(found(rows, 'mine/llama')).toBe(1);
  });

  it('takes the newest entry in force', () => {
    const rows = [row('m', 1, '2024-01-01'), row('m', 3, '2025-07-01'), row('m', 2, '2025-06-02')];
    expect(found(rows, 'm', Date.parse('2023-12-31T23:59:59.999Z'))).toBeNull();
    expect(found(rows, 'm', Date.parse('2025-06-01T23:59:59.999Z'))).toBe(1);
    expect(found(rows, 'm', AT)).toBe(2);
    expect(found(rows, 'm', Date.parse('2025-07-01T00:00:00Z'))).toBe(3);
  });

  it('goes on to a shorter name where the longer is not in force yet', () => {
    expect(found([row('m', 1), row('m-2', 2, '2025-12-01')], 'm-2-mini')).toBe(1);
  });

  it('knows an unlisted model only where the table has a row for any', () => {
    expect(found([row('m', 1)], 'other')).toBeNull();
    expect(found([row('m', 1), row('*', 2.5)], 'other')).toBe(2.5);
    expect(found([row('m', 1), row('*', 2.5)], 'm')).toBe(1);
  });

  it('counts cached and reasoning tokens at their own price where there is one', () => {
    const plain = createPriceTable([row('m', 2)]);
    const own = createPriceTable([{ ...row('m', 2), cacheReadUsd: 0.5, reasoningUsd: 20 }]);
    expect(price(plain, 'm', AT, 1_000_000, 1_000_000, 400_000, 500_000)).toBe(12);
    expect(price(own, 'm', AT, 1_000_000, 1_000_000, 400_000, 500_000)).toBeCloseTo(1.2 + 0.2 + 5 + 10, 12);
  });

  it('looks up a long name of many parts', () => {
    expect(found([row('m', 1)], `${'-'.repeat(255)}x`)).toBeNull();
    expect(found([row('m', 1)], `m${'-'.repeat(255)}`)).toBe(1);
  });
});

describe('createPriceTable', () => {
  it.each<[string, unknown, string]>([
    ['a negative price', { ...row('m', -1) }, 'prices[0].inputUsd'],
    ['a price that is no number', { ...row('m', Number.NaN) }, 'prices[0].inputUsd'],
    ['a day that the calendar lacks', row('m', 1, '2025-02-30'), 'prices[0].from'],
    ['no model', { ...row('', 1) }, 'prices[0].model'],
    ['a misspelt member', { ...row('m', 1), cacheUsd: 1 }, 'prices[0]'],
  ])('refuses %s', (_, bad, where) => {
    const build = () => createPriceTable([bad as PriceRow]);
    expect(build).toThrow(KilldeerError);
    expect(build).toThrow(where);
  });

  it('refuses two rows of one model and day', () => {
    expect(() => createPriceTable([row('m', 1), row('m', 2)])).toThrow('prices[1]: a second row of m from 2024-01-01');
  });
});

describe('the price list', () => {
  const table = createPriceTable(PRICE_LIST);
  const collected = Date.parse(`${PRICE_LIST_DATE}T00:00:00Z`);

  it('prices models as they name themselves', () => {
    expect(price(table, 'claude-3-sonnet-20240229', collected, 1_000_000, 1_000_000)).toBe(18);
    expect(price(table, 'gpt-4o-mini-2024-07-18', collected, 1_000_000, 1_000_000)).toBe(0.75);
    expect(price(table, 'gpt-4o-2024-08-06', collected, 1_000_000, 1_000_000)).toBe(12.5);
    expect(price(table, 'gpt-4o', Date.parse('2024-06-01T00:00:00Z'), 1_000_000, 1_000_000)).toBe(20);
    expect(price(table, 'text-embedding-3-small', collected, 1_000_000, 0)).toBe(0.02);
    expect(price(table, 'llm-inference/mm-image', collected, 1, 1)).toBeNull();
  });

  it('holds no price from after its date', () => {
    expect(PRICE_LIST.filter((listed) => listed.from > PRICE_LIST_DATE)).toEqual([]);
  });
});
