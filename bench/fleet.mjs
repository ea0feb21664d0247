/**
 * A fleet without a story: agents that take turns in a seeded order, each with sessions, a handful of endpoints and
 * some dozen targets. Its time goes on as fast as the fleet is large, so that an agent's own pace is the same in every
 * size. Lines are what senders write; events are decoded from them, so that their strings are the ones JSON.parse makes.
 */
import { decodeLine } from '../dist/event/decode.js';
import { createPriceTable } from '../dist/event/prices.js';
import { createRandom } from '../dist/math/random.js';

const START_MS = Date.UTC(2025, 5, 2);
/** Between two events of one agent, on average, ms. */
const PACE_MS = 20_000;
const SESSION_EVENTS = 12;
const ENDPOINTS = [
  'model-large',
  'model-small',
  'crm.read',
  'crm.write',
  'mail.send',
  'files.read',
  'search',
  'ledger.read',
];
const TARGETS = 24;

const prices = createPriceTable([]);

export class Fleet {
  /** Of so many agents, from this moment of event time on. */
  constructor(agents, startMs = START_MS) {
    this.agents = agents;
    this.startMs = startMs;
    this.random = createRandom(`fleet:${agents}`);
    this.count = 0;
    // Somewhere in a session, so that not all agents open one at the same time.
    this.perAgent = Uint32Array.from({ length: agents }, () => this.random.below(SESSION_EVENTS));
  }

  /** Time of the next event, ms. */
  get timeMs() {
    return this.startMs + Math.floor((this.count * PACE_MS) / this.agents);
  }

  /** The next event's line; `agent` picks whose. */
  line(agent = Math.floor(this.random.next() * this.agents)) {
    const { timeMs } = this;
    const n = this.count++;
    const turn = this.perAgent[agent]++;
    const endpoint = Math.floor(this.random.next() * ENDPOINTS.length);
    const chat = endpoint < 2;
    return JSON.stringify({
      id: `event-${n}`,
      time: new Date(timeMs).toISOString(),
      agent: `agent-${agent}`,
      operation: chat ? 'chat' : 'execute_tool',
      endpoint: ENDPOINTS[endpoint],
      session: `agent-${agent}-${Math.floor(turn / SESSION_EVENTS)}`,
      target: chat ? null : `target-${Math.floor(this.random.next() * TARGETS)}`,
      status: this.random.next() < 0.02 ? 'error' : 'ok',
      latency_ms: 40 + Math.floor(this.random.next() * 900),
      input_tokens: chat ? 400 + Math.floor(this.random.next() * 3000) : null,
      output_tokens: chat ? 20 + Math.floor(this.random.next() * 600) : null,
      cost_usd: chat ? Math.round(this.random.next() * 40_000) / 1e6 : 0,
      model: chat ? ENDPOINTS[endpoint] : null,
      version: '1.4.2',
      source: '10.0.0.7',
    });
  }

  /** As many decoded events, by time. */
  events(count) {
    const events = [];
    for (let i = 0; i < count; i++) events.push(decodeLine(this.line(), i, prices));
    return events;
  }

  /** One event of each agent, in order, decoded one at a time. */
  *roundOfAll() {
    for (let agent = 0; agent < this.agents; agent++) yield decodeLine(this.line(agent), agent, prices);
  }
}
