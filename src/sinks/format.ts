/** What a sink has to tell, in the format that it was given. */
import { findingJson } from '../render/finding-json.js';
import type { OcsfDocument } from '../render/ocsf.js';
import { type FindingActivity, ocsfFinding } from '../render/ocsf-finding.js';
import { ocsfRemediations } from '../render/ocsf-remediation.js';
import { stateOf as freshState, type RenderContext, type Taken } from '../render/taken.js';
import { actionText, digestText, findingText } from '../render/text.js';
import type { FindingState, TriageInput } from '../triage/triage.js';
import type { SinkItem, StateOf, Written } from './contract.js';
import { aboutOf } from './filter.js';
import type { SinkConfig } from './section.js';

export interface FormatOptions {
  readonly config: Pick<SinkConfig, 'format' | 'link'>;
  /** Of this program. */
  readonly version: string;
  readonly stateOf: StateOf;
  readonly takenOf: (finding: string) => Taken | null;
}

/** As it is written; more than one thing where one change was about several agents, none where the finding is forgotten. */
export function writtenOf(item: SinkItem, options: FormatOptions): readonly Written[] {
  switch (item.kind) {
    case 'finding': {
      const known = options.stateOf(item.finding.id);
      const state = {
        ...(known ?? freshState(item.finding, item.timeMs, 1)),
        finding: item.finding,
        lastMs: item.timeMs,
      };
      return [findingOf(item, state, item.timeMs > state.raisedMs ? 'update' : 'create', options)];
    }
    case 'update': {
      const state = options.stateOf(item.id);
      if (state === null) return [];
      return [findingOf(item, state, state.status === 'closed' ? 'close' : 'update', options)];
    }
    case 'action':
      return actionsOf(item.key, item.timeMs, item.change, options);
    case 'digest':
      return [digestOf(item, options)];
  }
}

function contextOf(id: string, { config, version, takenOf }: FormatOptions): RenderContext {
  const link = config.link === null ? null : config.link.replaceAll('{id}', encodeURIComponent(id));
  return { version, link, taken: takenOf(id) };
}

const TYPES: Readonly<Record<FindingActivity, string>> = {
  create: 'finding.raised',
  update: 'finding.updated',
  close: 'finding.closed',
};

function findingOf(
  { key, timeMs, kind }: Extract<SinkItem, { kind: 'finding' | 'update' }>,
  state: FindingState,
  activity: FindingActivity,
  options: FormatOptions,
): Written {
  const { finding } = state;
  const context = contextOf(finding.id, options);
  const about = `${finding.tenant}/${finding.agent}`;
  const type = kind === 'finding' && activity === 'update' ? 'finding.risen' : TYPES[activity];
  const text = findingText(state, context);
  switch (options.config.format) {
    case 'ocsf':
      return { key, about, timeMs, value: ocsfFinding(state, { ...context, activity, timeMs }) };
    case 'text':
      return { key, about, timeMs, value: { key, text } };
    case 'json':
      return { key, about, timeMs, value: { key, type, time_ms: timeMs, text, finding: findingJson(state, context) } };
  }
}

function actionsOf(key: string, timeMs: number, change: TriageInput, options: FormatOptions): readonly Written[] {
  const documents = ocsfRemediations(change, { version: options.version });
  const [{ tenant, agent } = { tenant: '', agent: null }] = aboutOf(change);
  const about = `${tenant ?? ''}/${agent ?? ''}`;
  const words = documents.map((document) => String(document['message']));
  const text = actionText(words);
  switch (options.config.format) {
    case 'ocsf':
      return documents.map((value, i) => ({
        key: i === 0 ? key : `${key}/${i}`,
        about: aboutDocument(value, about),
        timeMs,
        value,
      }));
    case 'text':
      return documents.length === 0 ? [] : [{ key, about, timeMs, value: { key, text } }];
    case 'json':
      return documents.map((document, i) => ({
        key: i === 0 ? key : `${key}/${i}`,
        about: aboutDocument(document, about),
        timeMs,
        value: {
          key: i === 0 ? key : `${key}/${i}`,
          type: 'action',
          time_ms: timeMs,
          text: words[i],
          action: actionJson(document, change),
        },
      }));
  }
}

/** The agent that a document is about. */
function aboutDocument({ unmapped }: OcsfDocument, otherwise: string): string {
  const agent = (unmapped as { ai_agent?: { tenant: string; uid: string } }).ai_agent;
  return agent === undefined ? otherwise : `${agent.tenant}/${agent.uid}`;
}

function actionJson(document: OcsfDocument, { record }: TriageInput): Readonly<Record<string, unknown>> {
  const unmapped = document['unmapped'] as {
    ai_agent?: { tenant: string; uid: string };
    killdeer: { finding: string | null };
  };
  return {
    record: record.type,
    activity: String(document['activity_name']).toLowerCase(),
    tenant: unmapped.ai_agent?.tenant ?? null,
    agent: unmapped.ai_agent?.uid ?? null,
    status: String(document['status']).toLowerCase(),
    actor: record.actor,
    finding: unmapped.killdeer.finding,
    words: document['message'],
  };
}

function digestOf(
  { key, timeMs, held, count }: Extract<SinkItem, { kind: 'digest' }>,
  options: FormatOptions,
): Written {
  const { link } = options.config;
  // A digest is about no one finding: the link leads to all of them.
  const place = link === null ? null : link.replaceAll('{id}', '');
  const text = digestText(held, count, place);
  const findings = held.map(({ id, severity, kind, agent, risk }) => ({ id, severity, kind, agent, risk }));
  const value =
    options.config.format === 'text' ? { key, text } : { key, type: 'digest', time_ms: timeMs, text, count, findings };
  return { key, about: '/', timeMs, value };
}
