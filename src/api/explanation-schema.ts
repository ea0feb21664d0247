/** Why a finding was raised, on the wire. */
import * as z from 'zod';
import { SEVERITIES } from '../decide/finding.js';
import { answers } from './schema.js';

const whole = z.number().int();
const nullable = z.number().nullable();

const knownName = z
  .object({
    name: z.string(),
    adopted: z.boolean().describe('it was normal for the agent before'),
    sessions: whole.describe('that used it so far, at most 255'),
    peers: whole.describe('other agents of its cohort'),
    peers_adopted: whole,
  })
  .nullable();

const exact = z.object({
  record: z.object({ partition: whole.nullable(), offset: whole, time: z.string() }),
  standing: z.enum(['learning', 'provisional', 'calibrated']).nullable(),
  closed_days: whole,
  windows: z.array(
    z.object({
      stream: z.string(),
      window_ms: whole,
      count: z.number(),
      mean: z.number(),
      deviation: z.number(),
    }),
  ),
  endpoint: knownName,
  target: knownName,
  session: z.object({ events: whole, cost_usd: z.number() }).nullable(),
  detectors: z.array(
    z.object({
      detector: z.string(),
      feature: z.string(),
      score: z.number(),
      observed: nullable,
      expected: nullable,
      surprise: nullable.describe('nats: -ln of the chance that an ordinary day gets there'),
      share: z.number(),
    }),
  ),
  p: nullable,
  outcome: z.string().describe('raised, rose, absorbed or none'),
});

export const explanationAnswer = z
  .object({
    finding: z.string(),
    state: z.enum(['exact', 'stored', 'running']),
    why: z.string().nullable().describe('why there is only what was stored'),
    progress: z.object({ done: whole, total: whole }).nullable().describe('records executed again so far'),
    words: z.string().describe('the finding in a sentence'),
    stored: z.object({
      severity: z.enum(SEVERITIES),
      risk: z.number(),
      p: z.number(),
      model: z.string(),
      config: z.string(),
      measurements: z.array(
        z.object({
          detector: z.string(),
          feature: z.string(),
          unit: z.string().nullable().describe('null: a plain count'),
          observed: nullable,
          expected: nullable,
          ratio: nullable.describe('observed over expected; null: nothing was expected'),
          share: z.number(),
          words: z.string(),
        }),
      ),
    }),
    exact: exact.nullable(),
  })
  .register(answers, { id: 'Explanation' });

export type ExplanationAnswer = z.output<typeof explanationAnswer>;
