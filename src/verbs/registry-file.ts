/** The registry as people write it down: a JSON list of agents, imported into a live system or into a replay. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { KilldeerError } from '../errors.js';

const usd = z.number().min(0).max(1e9).nullable().default(null);
const word = z.string().min(1).max(64);

const agentSchema = z.strictObject({
  agent: z.string().min(1).max(256),
  /** Left out: the nameless tenant. */
  tenant: z.string().max(256).default(''),
  role: word.nullable().default(null),
  owner: z.string().max(256).nullable().default(null),
  labels: z.array(word).max(64).default([]),
  budgets: z.strictObject({ session_usd: usd, day_usd: usd }).prefault({}),
});

/** One agent, as people describe it. */
export type RegistryFileRow = z.infer<typeof agentSchema>;

/** Throws 'usage', which names the file and the member. */
export function readRegistryFile(path: string): RegistryFileRow[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('usage', `${path} cannot be read as JSON: ${reason}`, error);
  }
  const parsed = z.array(agentSchema).max(100_000).safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 10).map(({ path: at, message }) => `[${at.join('.')}] ${message}`);
  throw new KilldeerError('usage', `${path} is no list of agents: ${problems.join('; ')}`);
}
