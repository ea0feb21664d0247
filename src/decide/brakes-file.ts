/** The section `brakes` of a policy file: its form, its defaults, and what becomes of it. Reads no file. */
import { z } from 'zod';
import { BRAKES_DEFAULT, type Brakes } from './policy.js';

const STOPS_MAX = 1_000;
const HYSTERESIS_MAX = 1_000;

/** In force where a policy says nothing of them. */
export const COHORT_STOPS_MAX = 3;
/** The same: parts of the stops. */
export const SHARES_DEFAULT = { medium: 0.4, high: 0.8 } as const;

const share = z.number().gt(0).max(1);

/** `duration` reads a text such as 30m into ms. */
export function createBrakesSchema<D extends z.ZodType<number, unknown>>(duration: D) {
  return z
    .strictObject({
      stops_max: z.number().int().min(0).max(STOPS_MAX).default(BRAKES_DEFAULT.stopsMax),
      interval: duration.default(BRAKES_DEFAULT.intervalMs as never),
      cooldown: duration.default(BRAKES_DEFAULT.cooldownMs as never),
      cohort_max: z.number().int().min(0).max(STOPS_MAX).optional(),
      shares: z
        .strictObject({ medium: share.default(SHARES_DEFAULT.medium), high: share.default(SHARES_DEFAULT.high) })
        .refine(({ medium, high }) => medium <= high, { error: 'medium may use no more than high' })
        .optional(),
      hysteresis: z.number().gt(1).max(HYSTERESIS_MAX).optional(),
    })
    .prefault({});
}

type BrakesFile = z.output<ReturnType<typeof createBrakesSchema<z.ZodType<number, unknown>>>>;

/** The brakes of a policy. What the file leaves out is left out here too, so that a policy is what people wrote. */
export function compileBrakes(file: BrakesFile): Brakes {
  const { stops_max: stopsMax, interval: intervalMs, cooldown: cooldownMs, cohort_max: cohortMax } = file;
  const { shares, hysteresis } = file;
  return {
    ...{ stopsMax, intervalMs, cooldownMs },
    ...(cohortMax === undefined ? {} : { cohortMax }),
    ...(shares === undefined ? {} : { shares }),
    ...(hysteresis === undefined ? {} : { hysteresis }),
  };
}
