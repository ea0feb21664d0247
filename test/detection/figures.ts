/** Figures that a test measured, beside their bars: asserted here, printed by `npm run bench -- shows`. */
import { expect } from 'vitest';

export interface Figure {
  readonly measure: string;
  readonly unit: string;
  readonly value: number;
  /** What it must reach, or must not exceed. */
  readonly least?: number;
  readonly most?: number;
}

declare module 'vitest' {
  interface TaskMeta {
    figures?: readonly Figure[];
  }
}

/** Notes the figures of a test and asserts all of them, so that one that falls short hides no other. */
export function show(task: { readonly meta: { figures?: readonly Figure[] } }, figures: readonly Figure[]): void {
  task.meta.figures = figures;
  for (const { measure, value, least, most } of figures) {
    if (least !== undefined) expect.soft(value, measure).toBeGreaterThanOrEqual(least);
    if (most !== undefined) expect.soft(value, measure).toBeLessThanOrEqual(most);
  }
}
