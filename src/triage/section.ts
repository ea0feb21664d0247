/** The section `triage` of the configuration, with every default. */
import { z } from 'zod';
import { durationOrMs as duration } from '../decide/duration.js';
import type { BoardOptions } from './triage.js';

/** Durations in ms, or as people write them. */
export const triageSchema = z
  .strictObject({
    /** Findings kept in memory for lists and cases; those whose latest line is oldest go first. About 2 kB each. */
    findings_max: z.number().int().min(1).max(1_000_000).default(100_000),
    /** Findings of one delegation tree with a longer pause between them are of two cases. */
    case_pause: duration.default(43_200_000),
    /** Findings of one cause on at least three agents are of one case where they were raised within this. */
    cause_within: duration.default(600_000),
    /** Halves what is left of a closed finding's risk. */
    decay: duration.default(86_400_000),
    /** Pages a day, for all agents together, that the people who are paged can bear; null: nobody said. */
    pages_per_day: z.number().int().min(1).max(1_000_000).nullable().default(null),
  })
  .prefault({});

export type TriageConfig = z.infer<typeof triageSchema>;

/** A board's options as the configuration has them. */
export function boardOptions(config: TriageConfig): BoardOptions {
  return {
    findingsMax: config.findings_max,
    casePauseMs: config.case_pause,
    causeWithinMs: config.cause_within,
    decayMs: config.decay,
    pagesPerDay: config.pages_per_day,
  };
}
