/**
 * The price list that a new installation starts with. List prices, US dollars per million tokens, standard tier, after
 * the providers' public price pages as they stood on 2025-09-30; `from` is the day a price came into force. Good for
 * seeing that spending changes, not for bookkeeping: discounts, batch tiers and long-context surcharges are not in it,
 * and who pays other prices configures other rows.
 */
import type { PriceRow } from './prices.js';

/** Day whose prices the newest rows are, UTC. */
export const PRICE_LIST_DATE = '2025-09-30';

const row = (model: string, from: string, inputUsd: number, outputUsd: number, cacheReadUsd?: number): PriceRow =>
  cacheReadUsd === undefined
    ? { model, from, inputUsd, outputUsd }
    : { model, from, inputUsd, outputUsd, cacheReadUsd };

/** Rows for createPriceTable; it has no row '*', so an unknown model has no price. */
export const PRICE_LIST: readonly PriceRow[] = [
  // OpenAI
  row('gpt-3.5-turbo', '2023-03-01', 2, 2),
  row('gpt-3.5-turbo', '2023-06-13', 1.5, 2),
  row('gpt-3.5-turbo', '2023-11-06', 1, 2),
  row('gpt-3.5-turbo', '2024-01-25', 0.5, 1.5),
  row('gpt-4', '2023-03-14', 30, 60),
  row('gpt-4-turbo', '2023-11-06', 10, 30),
  row('gpt-4o', '2024-05-13', 5, 15),
  row('gpt-4o', '2024-10-02', 2.5, 10, 1.25),
  row('gpt-4o-mini', '2024-07-18', 0.15, 0.6, 0.075),
  row('gpt-4.1', '2025-04-14', 2, 8, 0.5),
  row('gpt-4.1-mini', '2025-04-14', 0.4, 1.6, 0.1),
  row('gpt-4.1-nano', '2025-04-14', 0.1, 0.4, 0.025),
  row('gpt-5', '2025-08-07', 1.25, 10, 0.125),
  row('gpt-5-mini', '2025-08-07', 0.25, 2, 0.025),
  row('gpt-5-nano', '2025-08-07', 0.05, 0.4, 0.005),
  row('o1', '2024-12-17', 15, 60, 7.5),
  row('o3', '2025-04-16', 10, 40, 2.5),
  row('o3', '2025-06-10', 2, 8, 0.5),
  row('o3-mini', '2025-01-31', 1.1, 4.4, 0.55),
  row('o4-mini', '2025-04-16', 1.1, 4.4, 0.275),
  row('text-embedding-3-small', '2024-01-25', 0.02, 0),
  row('text-embedding-3-large', '2024-01-25', 0.13, 0),
  // Anthropic
  row('claude-3-haiku', '2024-03-13', 0.25, 1.25, 0.03),
  row('claude-3-sonnet', '2024-03-04', 3, 15),
  row('claude-3-opus', '2024-03-04', 15, 75, 1.5),
  row('claude-3-5-sonnet', '2024-06-20', 3, 15, 0.3),
  row('claude-3-5-haiku', '2024-11-04', 1, 5, 0.1),
  row('claude-3-5-haiku', '2024-12-05', 0.8, 4, 0.08),
  row('claude-3-7-sonnet', '2025-02-24', 3, 15, 0.3),
  row('claude-sonnet-4', '2025-05-22', 3, 15, 0.3),
  row('claude-opus-4', '2025-05-22', 15, 75, 1.5),
  // Google
  row('gemini-1.5-flash', '2024-05-14', 0.35, 1.05),
  row('gemini-1.5-flash', '2024-08-12', 0.075, 0.3),
  row('gemini-1.5-pro', '2024-05-14', 3.5, 10.5),
  row('gemini-1.5-pro', '2024-10-01', 1.25, 5),
  row('gemini-2.0-flash', '2025-02-05', 0.1, 0.4, 0.025),
  row('gemini-2.5-flash', '2025-06-17', 0.3, 2.5, 0.075),
  row('gemini-2.5-pro', '2025-04-04', 1.25, 10, 0.31),
  // Mistral
  row('mistral-large', '2024-11-18', 2, 6),
  row('mistral-medium', '2025-05-07', 0.4, 2),
  row('mistral-small', '2025-01-30', 0.1, 0.3),
  // Cohere
  row('command-r-plus', '2024-04-04', 3, 15),
  row('command-r-plus', '2024-08-30', 2.5, 10),
  // xAI
  row('grok-3', '2025-04-09', 3, 15),
  row('grok-3-mini', '2025-04-09', 0.3, 0.5),
  // DeepSeek
  row('deepseek-chat', '2025-02-08', 0.27, 1.1, 0.07),
  row('deepseek-reasoner', '2025-02-08', 0.55, 2.19, 0.14),
];
