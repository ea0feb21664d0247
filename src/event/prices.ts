/** What a call of a model costs by list price. Tables are dated: a call is priced by the row in force at its time. */
import { z } from 'zod';
import { KilldeerError } from '../errors.js';
import { printable } from './text.js';
import { parseTime } from './time.js';

const TOKENS_PER_PRICE = 1_000_000;
const DAY_TIME = 'T00:00:00Z';
/** A row of this name prices every model that no other row names. */
const ANY_MODEL = '*';

const usd = z.number().min(0).max(1000);

/** One row of a table, as configuration gives it. Prices are US dollars per million tokens. */
export const priceRowSchema = z.strictObject({
  /** Model name, or the beginning of it up to a separator; '*' for every model that no other row names. */
  model: z.string().min(1).max(256),
  /** First day in force, UTC, YYYY-MM-DD. */
  from: z.iso.date(),
  inputUsd: usd,
  outputUsd: usd,
  /** Input tokens read from the provider's cache; the input price where absent. */
  cacheReadUsd: usd.optional(),
  /** Output tokens spent on reasoning; the output price where absent. */
  reasoningUsd: usd.optional(),
});
export type PriceRow = z.infer<typeof priceRowSchema>;

interface Rate {
  readonly fromMs: number;
  readonly inputUsd: number;
  readonly outputUsd: number;
  readonly cacheReadUsd: number;
  readonly reasoningUsd: number;
}

/** Checked and indexed rows; immutable. */
export interface PriceTable {
  /** By model name; each list newest first. */
  readonly rates: ReadonlyMap<string, readonly Rate[]>;
  /** Length of the longest name, so that no lookup tries a longer one. */
  readonly nameMax: number;
}

/**
 * Builds a table. Throws KilldeerError 'config.invalid' for a row outside priceRowSchema and for two rows of the same
 * model and day, which would leave the price to the order of the file.
 */
export function createPriceTable(rows: readonly PriceRow[]): PriceTable {
  const rates = new Map<string, Rate[]>();
  let nameMax = 0;
  rows.forEach((row, index) => {
    const rate = toRate(row, index);
    const known = rates.get(row.model) ?? [];
    if (known.some((other) => other.fromMs === rate.fromMs)) {
      throw new KilldeerError('config.invalid', `prices[${index}]: a second row of ${row.model} from ${row.from}`);
    }
    known.push(rate);
    known.sort((a, b) => b.fromMs - a.fromMs);
    rates.set(row.model, known);
    nameMax = Math.max(nameMax, row.model.length);
  });
  return { rates, nameMax };
}

/**
 * US dollars of one call, or null where no row fits. The row is that of the model's exact name, else of its longest
 * beginning that ends at a separator (`gpt-4` prices `gpt-4-0613` and not `gpt-4o`), else the row '*'; of its dated
 * entries the newest in force at `timeMs` counts, and a row that is not yet in force does not fit.
 *
 * @param model model name, or the endpoint where the event names no model
 * @param inputTokens all input tokens, those read from the cache among them
 * @param outputTokens all output tokens, those spent on reasoning among them
 */
export function price(
  table: PriceTable,
  model: string,
  timeMs: number,
  inputTokens: number,
  outputTokens: number,
  cacheReadTokens = 0,
  reasoningTokens = 0,
): number | null {
  const rate = findRate(table, model, timeMs);
  if (rate === null) return null;
  // A sender that counts cached tokens outside its input tokens must not make the rest negative.
  const plainInput = Math.max(0, inputTokens - cacheReadTokens);
  const plainOutput = Math.max(0, outputTokens - reasoningTokens);
  const input = plainInput * rate.inputUsd + cacheReadTokens * rate.cacheReadUsd;
  const output = plainOutput * rate.outputUsd + reasoningTokens * rate.reasoningUsd;
  return (input + output) / TOKENS_PER_PRICE;
}

function toRate(row: PriceRow, index: number): Rate {
  const verdict = priceRowSchema.safeParse(row);
  if (!verdict.success) {
    const issue = verdict.error.issues[0];
    const refused = printable((row as Record<PropertyKey, unknown> | null)?.[issue.path[0]]);
    throw new KilldeerError(
      'config.invalid',
      `prices[${index}].${issue.path.join('.')}: ${issue.message}, got ${refused}`,
    );
  }
  return {
    fromMs: parseTime(row.from + DAY_TIME),
    inputUsd: row.inputUsd,
    outputUsd: row.outputUsd,
    cacheReadUsd: row.cacheReadUsd ?? row.inputUsd,
    reasoningUsd: row.reasoningUsd ?? row.outputUsd,
  };
}

function findRate(table: PriceTable, model: string, timeMs: number): Rate | null {
  const exact = inForce(table.rates.get(model), timeMs);
  if (exact !== null) return exact;
  for (let end = Math.min(model.length - 1, table.nameMax); end > 0; end--) {
    if (!endsName(model, end)) continue;
    const rate = inForce(table.rates.get(model.slice(0, end)), timeMs);
    if (rate !== null) return rate;
  }
  return inForce(table.rates.get(ANY_MODEL), timeMs);
}

function inForce(rates: readonly Rate[] | undefined, timeMs: number): Rate | null {
  return rates?.find((rate) => rate.fromMs <= timeMs) ?? null;
}

/** Whether a name may end before `end`: at a separator, or behind one. A point is part of a version ('gpt-4.1'). */
function endsName(model: string, end: number): boolean {
  return isSeparator(model.charCodeAt(end)) || isSeparator(model.charCodeAt(end - 1));
}

/** - / : @ _ and the space. */
function isSeparator(unit: number): boolean {
  return unit === 0x2d || unit === 0x2f || unit === 0x3a || unit === 0x40 || unit === 0x5f || unit === 0x20;
}
