/**
 * The API of findings with 100,000 of them and 10,000 agents: lists with filters, searches and sorts, one finding with its
 * timeline, cases and agents, through the whole server with tokens and checks, one call after another. Beside a bare
 * Fastify route that answers a list of the same size, so that what is left is the board's part.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import fastify from 'fastify';
import { createBoard } from '../dist/triage/board.js';
import { compare, quantile, RUNS, row } from './measure.mjs';
import { inFolder } from './parts.mjs';
import { openServer } from './server.mjs';

const FINDINGS = 100_000;
const AGENTS = 10_000;
const DAY_MS = 86_400_000;
const END_MS = Date.UTC(2025, 5, 2);
/** Calls of each kind in a run. */
const CALLS = 60;
/** What a person should wait at most, 95 times of 100, ms. */
const LIST_P95_MS = 300;
const FINDING_P95_MS = 500;

const KINDS = [
  'rate-burst',
  'retry-loop',
  'new-target',
  'exfiltration',
  'session-spend',
  'cost-drift',
  'quiet',
  'joint',
];
const SEVERITIES = ['low', 'low', 'low', 'medium', 'medium', 'high', 'critical'];
const TOOLS = ['mail.send', 'crm.update', 'payments.send', 'files.read', 'search.web', 'tickets.write'];

/** As an engine writes them; the same number, the same finding. */
function findingOf(i) {
  const agent = `agent-${(i * 7919) % AGENTS}`;
  const kind = KINDS[i % KINDS.length];
  const tool = TOOLS[(i * 31) % TOOLS.length];
  const observed = 20 + ((i * 17) % 400);
  const risk = (i * 13) % 101;
  return {
    id: `f-${i.toString(16).padStart(16, '0')}`,
    time: new Date(END_MS - 90 * DAY_MS + Math.floor((i / FINDINGS) * 90 * DAY_MS)).toISOString(),
    tenant: i % 4 === 0 ? 'acme' : '',
    ...{ agent, root: agent, session: `session-${i % 5_000}`, severity: SEVERITIES[(i * 5) % SEVERITIES.length], kind },
    title: `${agent} made ${observed} calls to ${tool} in 10 minutes where 12 are usual`,
    ...{ p: 1 / (10 + risk), risk },
    attribution: [
      { detector: 'rate', feature: 'calls in 10 min', observed, expected: 12, share: 0.7 },
      { detector: 'joint', feature: 'bytes sent', observed: observed * 100, expected: 900, share: 0.3 },
    ],
    evidence: [{ offset: i * 40, event: `event-${i * 40}` }],
    ...{ model: 'cold-start-00000000', config: 'c-0000000000000000', status: 'open', bound: true, proposal: null },
  };
}

/** What an analyst asks, in turn. */
const LISTS = [
  '',
  '?statuses=new,in-progress&severity=medium',
  '?search=payments%20agent-77&sort=risk',
  '?kinds=exfiltration,new-target&sort=severity',
  '?tenant=acme&sort=raised&limit=200',
  '?agent=agent-4711',
  '?assignee=&quiet=false&suppressed=false&sort=risk',
  '?search=nothing-has-this-word',
];

export async function run() {
  return inFolder(async (folder) => {
    const board = createBoard({
      ...{ findingsMax: FINDINGS, casePauseMs: DAY_MS / 2, causeWithinMs: 600_000, decayMs: DAY_MS, pagesPerDay: null },
    });
    const server = await openServer(folder, { triage: board });
    try {
      for (let i = 0; i < FINDINGS; i++) board.add(findingOf(i));
      await work(server.registry, board);
      const ask = asker(server.headers('admin', 'application/json'));
      const reference = await openReference(await ask(`${server.url}/v1/findings`));
      try {
        const bare = () => p95(() => ask(reference.url));
        const list = (path) => (turn) => ask(`${server.url}${path(turn)}`);
        const finding = (turn) => `/v1/findings/${findingOf((turn * 1_237) % FINDINGS).id}`;
        const measures = [
          ['list of findings, p95', list((turn) => `/v1/findings${LISTS[turn % LISTS.length]}`), LIST_P95_MS],
          ['a finding, p95', list(finding), FINDING_P95_MS],
          ['its timeline, p95', list((turn) => `${finding(turn)}/timeline`), FINDING_P95_MS],
          [
            'list of cases, p95',
            list((turn) => `/v1/cases?sort=risk&limit=50&from_ms=${END_MS - ((turn % 7) + 1) * DAY_MS}`),
            LIST_P95_MS,
          ],
          ['list of agents, p95', list((turn) => `/v1/agents?limit=100&cursor=${(turn * 100) % AGENTS}`), LIST_P95_MS],
        ];
        const rows = [];
        for (const [what, call, most] of measures) {
          await p95(call);
          const pairs = [];
          for (let i = 0; i < RUNS; i++) pairs.push({ reference: await bare(), ours: await p95(call) });
          rows.push(row('triage', what, 'ms', compare(pairs), 'bare Fastify route of the same list', `below ${most}`));
        }
        return rows;
      } finally {
        await reference.close();
      }
    } finally {
      await server.close();
    }
  });
}

/** Registers the agents; people have worked on some of the findings. */
async function work(registry, board) {
  const by = { actor: 'person:bench', authority: 'bench', parent: null };
  const note = async (record) => {
    const verdict = await registry.write({ ...by, ...record });
    board.note({ offset: 0, record: { ...by, timeMs: END_MS, ...record }, verdict });
  };
  const enrol = (i) => note({ type: 'register', tenant: '', agent: `agent-${i}`, ifVersion: null, owner: 'bench' });
  await Promise.all(Array.from({ length: AGENTS }, (_, i) => enrol(i)));
  const touch = (i) => {
    const findings = Array.from({ length: 100 }, (_, j) => findingOf((i * 997 + j * 31) % FINDINGS).id);
    const change =
      i % 2 === 0 ? { what: 'assign', to: 'bench' } : { what: 'status', status: 'closed', resolution: 'other' };
    return note({ type: 'triage', key: `bench-${i}`, findings, change });
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => touch(i)));
}

/** 95 of 100 calls, one after another, are answered within this, ms. */
async function p95(call) {
  const times = [];
  for (let turn = 0; turn < CALLS; turn++) {
    const startMs = performance.now();
    await call(turn);
    times.push(performance.now() - startMs);
  }
  return quantile(times, 0.95);
}

/** Resolves with the whole answer; rejects where it is a refusal. */
function asker(headers) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return async (url) => {
    const sent = request(url, { agent, headers });
    sent.end();
    const [answer] = await once(sent, 'response');
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    if (answer.statusCode !== 200)
      throw new Error(`${url} was answered with ${answer.statusCode}: ${text.slice(0, 300)}`);
    return text;
  };
}

async function openReference(list) {
  const app = fastify({ logger: false });
  const answer = JSON.parse(list);
  app.get('/bare', () => answer);
  return { url: `${await app.listen({ host: '127.0.0.1', port: 0 })}/bare`, close: () => app.close() };
}
