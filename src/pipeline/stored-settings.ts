/** Settings as a configuration record or a checkpoint holds them: plain JSON that was checked when it was written. */
import { z } from 'zod';
import { settingsDigest } from '../config.js';
import { ACTIONS, KINDS, MODES, SEVERITIES } from '../decide/finding.js';
import type { Settings } from '../engine/settings.js';

const positive = z.number().positive();
const count = z.number().int().min(1);
const names = z.array(z.string());

const policySchema = z.object({
  name: z.string(),
  mode: z.enum(MODES),
  brakes: z.object({
    stopsMax: z.number().min(0),
    intervalMs: z.number().min(0),
    cooldownMs: z.number().min(0),
    cohortMax: z.number().min(0).optional(),
    shares: z.object({ medium: positive, high: positive }).optional(),
    hysteresis: positive.optional(),
  }),
  rules: z.array(
    z.object({
      name: z.string(),
      kinds: z.array(z.enum(KINDS)),
      severity: z.enum(SEVERITIES),
      pMax: z.number(),
      roles: names,
      labels: names,
      action: z.enum(ACTIONS),
      forMs: z.number().nullable(),
      callsPerMinute: z.number().nullable(),
      proportional: z.boolean().optional(),
    }),
  ),
  protectedAgents: names,
});

const settingsSchema = z.object({
  pagesPerAgentDay: positive,
  noticesPerAgentDay: positive,
  agentsMax: count,
  sessionsMax: count,
  idsMax: count,
  shelvedMax: count,
  latenessMs: positive,
  sessionIdleMs: positive,
  closeAfterMs: positive,
  stopGraceMs: z.number().min(0).optional(),
  adoption: z.strictObject({ sessions: count, ageMs: positive }),
  hashSeed: z.number().int().min(0),
  policy: policySchema,
});

/**
 * Settings with their digest, or null where something is missing. The value itself is returned, members in its own
 * order, so that its digest is the one that it was written with.
 */
export function parseStoredSettings(value: unknown): { settings: Settings; config: string } | null {
  if (!settingsSchema.safeParse(value).success) return null;
  const settings = value as Settings;
  return { settings, config: settingsDigest(settings) };
}
