/** Advice on the alert budget, of the board's figures and what is in force; whoever accepts it changes the settings. */
import type { BudgetAdvicePort, BudgetProposal } from '../api/operations-contract.js';
import type { Config } from '../config.js';
import type { Registry } from '../registry/journal.js';
import { adviseBudget } from '../triage/budget-advice.js';
import type { TriageBoard } from '../triage/triage.js';
import { digestOf } from './config-values.js';

/** As the registry takes it. */
const SHARE_MAX = 0.5;

export function createAdvice(
  board: Pick<TriageBoard, 'pages' | 'precision'>,
  { view }: Pick<Registry, 'view'>,
  { detection }: Config,
  clock: () => number,
): BudgetAdvicePort {
  const proposals = (): BudgetProposal[] => {
    const set = view.settings();
    const pagesPerAgentDay = set?.settings.pagesPerAgentDay ?? detection.pages_per_agent_day;
    const notices = set?.settings.noticesPerAgentDay ?? detection.notices_per_agent_day;
    const { perDay: pagesPerDay, today: pages } = board.pages(clock());
    const facts = { precision: board.precision(), pages, agents: rootsIn(view), pagesPerAgentDay, pagesPerDay };
    const advised = adviseBudget(facts);
    return advised.proposals.map(({ to, why }) => ({
      // Of these settings and of this change: it is another one once either is.
      id: `b-${digestOf([set?.version ?? 0, to])}`,
      pagesPerAgentDay: to,
      // What pages must at least be noticed.
      noticesPerAgentDay: Math.min(SHARE_MAX, Math.max(notices, to)),
      reasons: [why, ...advised.detectors.map(({ words }) => words)],
    }));
  };
  return { proposals, pages: () => board.pages(clock()), precision: () => board.precision() };
}

function rootsIn(view: Registry['view']): number {
  let roots = 0;
  for (const { parent } of view.entries()) if (parent === null) roots += 1;
  return roots;
}
