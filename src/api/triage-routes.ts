/** All routes of findings and of what people do with them. */
import type { ServerParts } from './contract.js';
import type { Api } from './route.js';
import { registerCases, registerTriageFigures } from './route-cases.js';
import { registerFindingExport } from './route-finding-export.js';
import { registerFindings } from './route-findings.js';
import type { FeedParts } from './route-stream.js';
import { registerTriage } from './route-triage.js';
import { registerUpdates } from './route-updates.js';
import { registerVerdictsBulk } from './route-verdicts-bulk.js';
import { createUpdates } from './updates.js';

export function registerTriageRoutes(app: Api, parts: ServerParts & FeedParts): void {
  const updates = createUpdates(parts.triage);
  registerFindings(app, parts, updates);
  registerFindingExport(app, parts);
  registerCases(app, parts);
  registerTriage(app, parts);
  registerVerdictsBulk(app, parts);
  registerTriageFigures(app, parts);
  registerUpdates(app, parts, updates);
}
