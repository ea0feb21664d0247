/** An event as people see it: the members of the wire, with what only tells credentials and signatures apart cut short. */
import type { AgentEvent } from '../event/event.js';
import type { EventAnswer } from './history-schema.js';

const CREDENTIAL_SHOWN = 8;
const SIGNATURE_SHOWN = 16;

export function eventView(event: AgentEvent, root: string | null, bound: boolean | null): EventAnswer {
  return {
    id: event.id,
    time: new Date(event.timeMs).toISOString(),
    time_ms: event.timeMs,
    agent: event.agent,
    root,
    bound,
    operation: event.operation,
    endpoint: event.endpoint,
    tenant: event.tenant,
    parent: event.parent,
    session: event.session,
    target: event.target,
    status: event.status,
    error_type: event.errorType,
    latency_ms: event.latencyMs,
    input_tokens: event.inputTokens,
    output_tokens: event.outputTokens,
    cost_usd: event.costUsd,
    bytes_out: event.bytesOut,
    model: event.model,
    version: event.version,
    credential: shortened(event.credential, CREDENTIAL_SHOWN),
    source: event.source,
    environment: event.environment,
    scope: event.scope,
    task: event.task,
    initiator: event.initiator,
    on_behalf_of: event.onBehalfOf === null ? null : [...event.onBehalfOf],
    approval: event.approval,
    data_class: event.dataClass,
    trace: event.trace,
    signature: shortened(event.signature, SIGNATURE_SHOWN),
  };
}

/** At most half of it: a short one would else be told whole. */
function shortened(text: string | null, shown: number): string | null {
  if (text === null) return null;
  const characters = [...text];
  return `${characters.slice(0, Math.min(shown, Math.floor(characters.length / 2))).join('')}…`;
}
