/** The client's calls about findings and cases. */
import type { Call, Query } from './client-call.js';
import type {
  CaseDetailAnswer,
  CasesAnswer,
  ChangedAnswer,
  FindingDetailAnswer,
  FindingStatesAnswer,
  FindingsQuery,
  PagesAnswer,
  PrecisionAnswer,
  StatusBody,
  TimelineAnswer,
  TriageAnswer,
  TriageBody,
} from './triage-schema.js';
import type { VerdictsAnswer, VerdictsBody } from './verdict-bulk-schema.js';

export interface TriageClient {
  findings(query?: FindingsQuery): Promise<FindingStatesAnswer>;
  finding(id: string): Promise<FindingDetailAnswer>;
  findingTimeline(id: string): Promise<TimelineAnswer>;
  /** `to`: a name, 'me', or null for nobody. */
  assignFinding(id: string, body: { readonly to: string | null; readonly key?: string }): Promise<ChangedAnswer>;
  setFindingStatus(id: string, body: StatusBody): Promise<ChangedAnswer>;
  commentFinding(id: string, body: { readonly text: string; readonly key?: string }): Promise<ChangedAnswer>;
  changeFindings(body: TriageBody): Promise<TriageAnswer>;
  giveVerdicts(body: VerdictsBody): Promise<VerdictsAnswer>;
  cases(query?: FindingsQuery): Promise<CasesAnswer>;
  case(id: string): Promise<CaseDetailAnswer>;
  caseTimeline(id: string): Promise<TimelineAnswer>;
  pages(): Promise<PagesAnswer>;
  precision(): Promise<PrecisionAnswer>;
  /** The file as text; what is no text is had from the route itself. */
  exportFindings(format: 'jsonl' | 'csv' | 'ocsf', query?: FindingsQuery): Promise<string>;
}

export function createTriageClient(call: Call): TriageClient {
  const of = (id: string) => `/v1/findings/${encodeURIComponent(id)}`;
  const ofCase = (id: string) => `/v1/cases/${encodeURIComponent(id)}`;
  return {
    findings: (query = {}) => call('GET', '/v1/findings', { query: wordsOf(query) }),
    finding: (id) => call('GET', of(id)),
    findingTimeline: (id) => call('GET', `${of(id)}/timeline`),
    assignFinding: (id, body) => call('POST', `${of(id)}/assign`, { body }),
    setFindingStatus: (id, body) => call('POST', `${of(id)}/status`, { body }),
    commentFinding: (id, body) => call('POST', `${of(id)}/comment`, { body }),
    changeFindings: (body) => call('POST', '/v1/triage', { body }),
    giveVerdicts: (body) => call('POST', '/v1/verdicts/bulk', { body }),
    cases: (query = {}) => call('GET', '/v1/cases', { query: wordsOf(query) }),
    case: (id) => call('GET', ofCase(id)),
    caseTimeline: (id) => call('GET', `${ofCase(id)}/timeline`),
    pages: () => call('GET', '/v1/pages'),
    precision: () => call('GET', '/v1/precision'),
    exportFindings: (format, query = {}) =>
      call('GET', '/v1/findings/export', { query: { ...wordsOf(query), format }, isText: true }),
  };
}

function wordsOf(query: FindingsQuery): Query {
  return query as Query;
}
