/** Drills, on the wire. */
import * as z from 'zod';
import { LIMITS } from '../event/schema.js';
import { answers, requests } from './schema.js';

const ms = z.number().min(0).max(1e9).nullable();

const stage = z.strictObject({
  stage: z.enum(['applied', 'refused', 'tree-refused', 'confirmed', 'released']),
  reached: z.number().int().min(0).max(10_000),
  missed: z.number().int().min(0).max(10_000),
  p50_ms: ms,
  p99_ms: ms,
  max_ms: ms,
});

const members = {
  id: z.string().min(1).max(64),
  canary: z.string().min(1).max(LIMITS.name),
  children: z.number().int().min(0).max(100),
  rounds: z.number().int().min(1).max(10_000),
  started_ms: z.number().int().min(0),
  stages: z.array(stage).min(1).max(5),
};

export const drillBody = z.strictObject(members).register(requests, { id: 'DrillReport' });

export const drillAnswer = z
  .object({
    ...members,
    way: z.enum(['http', 'process']).describe('held by a caller of the API, or inside the server'),
    ok: z.boolean().describe('every stage was reached in every round'),
  })
  .register(answers, { id: 'Drill' });

export const drillsAnswer = z.object({ drills: z.array(drillAnswer) }).register(answers, { id: 'Drills' });

export type DrillBody = z.input<typeof drillBody>;
export type DrillAnswer = z.output<typeof drillAnswer>;
export type DrillsAnswer = z.output<typeof drillsAnswer>;
