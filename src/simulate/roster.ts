/** Who works at the simulated company. */
import { CHAT, FINANCE, HR, SALES, SUPPORT } from './business-roles.js';
import type { Role } from './role.js';
import { ANALYST, CODING, OPS, PROBE, RESEARCH } from './technical-roles.js';

/** Order in which a fleet is staffed; it begins anew at the end, so that larger fleets have several of each role. */
export const ROSTER: readonly Role[] = [
  SUPPORT,
  CODING,
  FINANCE,
  RESEARCH,
  SUPPORT,
  CHAT,
  OPS,
  FINANCE,
  ANALYST,
  CODING,
  SALES,
  PROBE,
  HR,
];
