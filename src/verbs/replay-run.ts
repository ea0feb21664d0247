/** Runs one replay that was asked for over the API, and says what came of it. */
import type { ReplayedStop, ReplayResult } from '../api/replay-contract.js';
import type { Config } from '../config.js';
import type { Finding, Proposal } from '../decide/finding.js';
import type { Settings } from '../engine/settings.js';
import { openFileLog, partitionsOf } from '../log/file-log.js';
import type { Log } from '../log/log.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf } from '../pipeline/layout.js';
import { replay } from '../pipeline/replay.js';
import { differenceOf, FindingTally } from '../pipeline/replay-difference.js';
import { replayDirectory } from '../pipeline/replay-directory.js';
import { FOLD, importsOf } from './replay.js';
import type { ReplayTask } from './replay-task.js';
import { loadSetup } from './setup.js';
import { shippedPath } from './shipped.js';

const DEMO = 'replay/demo';
/** Stops listed; all are counted. */
const STOPS_MAX = 100;
const READ_MAX = 1_000;

type Told = (done: number, total: number) => void;

/** Rejects with whatever stands in the way, as `replayDirectory` and `replay` do. */
export function runReplay(task: ReplayTask, onProgress: Told): Promise<ReplayResult> {
  return task.wish.recording === 'demo' ? replayDemo(task, onProgress) : replayData(task, onProgress);
}

async function replayData(task: ReplayTask, onProgress: Told): Promise<ReplayResult> {
  const { directory, wish, prices, findingsPath } = task;
  const { fromMs, toMs, withoutVerdicts } = wish;
  const tally = new FindingTally();
  const stops: ReplayedStop[] = [];
  let proposed = 0;
  const { records, events } = await replayDirectory({
    ...{ directory, prices, findingsPath, onProgress },
    adapters: { openFileLog, partitionsOf },
    changed: { fromMs, toMs, withoutVerdicts, settings: changeOf(task) },
    onFinding: (finding) => tally.add(finding),
    onProposal: (proposal) => {
      proposed += 1;
      if (stops.length < STOPS_MAX) stops.push(stopOf(proposal));
    },
  });
  const difference = differenceOf(await reallyFound(task), tally);
  const { size: findings, pages } = tally;
  return { records, events, findings, pages, stops: proposed, firstStops: stops, difference };
}

/** Settings as the wish wants them; a policy keeps its place among them. */
function changeOf({ wish }: ReplayTask): (settings: Settings) => Settings {
  const { pagesPerAgentDay, noticesPerAgentDay } = wish;
  const policy = wish.policy === null ? null : loadSetup({ policy: wish.policy }).policy;
  return (settings) => ({
    ...settings,
    ...(pagesPerAgentDay === null ? {} : { pagesPerAgentDay }),
    ...(noticesPerAgentDay === null ? {} : { noticesPerAgentDay }),
    ...(policy === null ? {} : { policy }),
  });
}

function stopOf({ time, tenant, agent, action, reason, finding }: Proposal): ReplayedStop {
  return { time, tenant, agent, action, reason, finding };
}

/** What the server wrote, of the stretch that is counted. */
async function reallyFound({ directory, wish }: ReplayTask): Promise<FindingTally> {
  const tally = new FindingTally();
  const path = layoutOf(directory).log;
  const partitions = (await partitionsOf(path, EVENTS_TOPIC)) ?? 0;
  const names = Array.from({ length: partitions }, (_, partition) => findingsTopic(partition));
  const topics = Object.fromEntries(names.map((name) => [name, 1]));
  const log = await openFileLog({ directory: path, topics, readOnly: true });
  try {
    for (const name of names) for await (const finding of findingsIn(log, name)) if (isIn(finding)) tally.add(finding);
  } finally {
    await log.close();
  }
  return tally;

  function isIn({ time }: Finding): boolean {
    const atMs = Date.parse(time);
    return atMs >= (wish.fromMs ?? 0) && atMs <= (wish.toMs ?? Number.POSITIVE_INFINITY);
  }
}

async function* findingsIn(log: Log, topic: string): AsyncGenerator<Finding> {
  const end = await log.end(topic, 0);
  for (let at = await log.begin(topic, 0); at < end; ) {
    const { records, next } = await log.read(topic, 0, at, READ_MAX);
    for (const { value } of records) yield JSON.parse(value) as Finding;
    at = next;
  }
}

async function replayDemo({ wish, config, prices, findingsPath }: ReplayTask, onProgress: Told): Promise<ReplayResult> {
  const { pages_per_agent_day: pages, notices_per_agent_day: notices } = config.detection;
  const detection = {
    ...config.detection,
    pages_per_agent_day: wish.pagesPerAgentDay ?? pages,
    notices_per_agent_day: wish.noticesPerAgentDay ?? notices,
  };
  const changed: Config = { ...config, detection };
  const shipped = loadSetup({ policy: wish.policy ?? 'observe' });
  const summary = await replay({
    recording: shippedPath(DEMO),
    ...{ config: changed, policy: shipped.policy, startModel: shipped.startModel, prices, findingsPath },
    registry: FOLD,
    registryImport: importsOf(shippedPath(`${DEMO}/registry.json`)),
    onProgress: ({ bytesRead, bytes }) => onProgress(bytesRead, bytes),
  });
  const made = [summary.applied, summary.recommended, summary.observed, summary.skipped];
  const first = made.flatMap((list) => list.first).sort((a, b) => (a.time < b.time ? -1 : 1));
  const firstStops = first.slice(0, STOPS_MAX).map(({ time, tenant, agent, action, reason, finding }) => {
    return { time, tenant, agent, action: action ?? 'none', reason, finding };
  });
  return {
    records: summary.lines,
    events: summary.events,
    findings: summary.findings,
    pages: summary.pages,
    stops: made.reduce((sum, { count }) => sum + count, 0),
    firstStops,
    difference: null,
  };
}
