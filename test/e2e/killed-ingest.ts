/**
 * The story of a server that is killed again and again while a sender goes on: whatever was not answered is sent
 * again, and so is now and then what was answered. In the end everything was scored once, as if nobody had died.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { createRandom, type Random } from '../../src/math/random.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';
import { type Audited, audit } from './audit.js';
import { freshDirectory } from './program.js';
import { Server } from './server.js';

const BATCH_LINES = 60;
/** Calls under way at a time. */
const CALLS = 3;
/** Checkpoints and learning so often that a short life meets them; alert budgets that make little traffic talk. */
const CONFIG = {
  partitions: 2,
  checkpoint: { every: 250 },
  learning: { every: '5s' },
  detection: { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5 },
};

export interface KilledIngest {
  readonly seed: string;
  readonly kills: number;
  readonly agents: number;
  readonly days: number;
}

/** Figures of a run that met every expectation. */
export interface IngestFigures {
  readonly accepted: number;
  readonly unique: number;
  /** Repeated and not written, because the process remembered. */
  readonly dropped: number;
  /** Repeated and written, and scored once: the process that took it first was dead. */
  readonly duplicates: number;
  readonly findings: number;
}

export async function ingestThroughKills({ seed, kills, agents, days }: KilledIngest): Promise<IngestFigures> {
  const config = join(freshDirectory(), 'killdeer.json');
  writeFileSync(config, JSON.stringify(CONFIG));
  const lines = Array.from(createSimulation(simulationOptions('retry-loop', { agents, days })).events(), (event) =>
    JSON.stringify(event),
  );
  const server = await Server.start({ words: ['--config', config] });
  const sender = new Sender(server, lines, createRandom(seed));
  // Calls go out several at a time, and those under way at a death may be answered: each life takes that much less, so
  // that something is left for the last one.
  const perLife = Math.floor(sender.left / (kills + 1)) - 2 * CALLS;
  expect(perLife).toBeGreaterThan(0);
  for (let kill = 0; kill < kills; kill++) await sender.sendAndDie(sender.left - perLife);
  expect(sender.left).toBeGreaterThan(0);
  await sender.sendAll();
  const counts = await server.settled();
  const status = await server.status();
  expect(status.partitions.map(({ state, restarts }) => ({ state, restarts }))).toEqual(
    status.partitions.map(() => ({ state: 'running', restarts: 0 })),
  );
  const recent = (await server.ask('/v1/findings?limit=1000')).body.findings as { id: string }[];
  expect(await server.program.stop()).toMatchObject({ code: 0 });
  const audited = await audit(server.data, { config, policy: 'observe' });
  const unique = judge(audited, lines);
  expect(counts).toMatchObject({ scored: unique, notAdmitted: 0, duplicates: counts.events - unique });
  // What was answered went into the log, or was there already; what was cut off may be there too.
  expect(sender.accepted - sender.dropped).toBeLessThanOrEqual(counts.events);
  const findings = audited.partitions.flatMap((partition) => partition.findings);
  const ids = new Set(findings.map((line) => (JSON.parse(line) as { id: string }).id));
  expect(new Set(recent.map(({ id }) => id))).toEqual(ids);
  const { accepted, dropped } = sender;
  return { accepted, unique, dropped, duplicates: counts.duplicates, findings: findings.length };
}

/** What must hold of the directory; returns how many different events there are. */
function judge({ partitions, registry }: Audited, lines: readonly string[]): number {
  const sent = new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id));
  const kept = new Set<string>();
  const shown: string[] = [];
  let scored = 0;
  for (const { records, findings, dead, truth } of partitions) {
    expect(findings).toEqual(truth.findings);
    expect(dead).toEqual([]);
    scored += truth.counts.scored;
    for (const record of records) {
      const { type, event } = JSON.parse(record) as { type: string; event: { id: string } };
      if (type === 'event') kept.add(event.id);
    }
    for (const line of findings) {
      const { id, severity } = JSON.parse(line) as { id: string; severity: string };
      shown.push(`${id} ${severity}`);
    }
    const judged = registry.filter(({ record, effect }) => record.type === 'proposal' && effect !== 'duplicate');
    const keys = judged.map(({ record }) => (record.type === 'proposal' ? record.proposal.key : ''));
    for (const key of truth.proposals) expect(keys.filter((one) => one === key)).toHaveLength(1);
  }
  expect(kept).toEqual(sent);
  expect(scored).toBe(sent.size);
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown.length).toBeGreaterThan(0);
  return sent.size;
}

class Sender {
  accepted = 0;
  /** Of those accepted. */
  dropped = 0;
  private readonly batches: string[][];
  private answered: string[][] = [];
  private isDying = false;

  constructor(
    private readonly server: Server,
    lines: readonly string[],
    private readonly random: Random,
  ) {
    this.batches = Array.from({ length: Math.ceil(lines.length / BATCH_LINES) }, (_, i) =>
      lines.slice(i * BATCH_LINES, (i + 1) * BATCH_LINES),
    );
  }

  /** Batches that were not answered. */
  get left(): number {
    return this.batches.length;
  }

  async sendAll(): Promise<void> {
    while (this.left > 0) await this.wave();
  }

  /** Goes on until only so many batches are left, lets the server die at some moment, and starts it again. */
  async sendAndDie(left: number): Promise<void> {
    const { server, random } = this;
    while (this.left > left) await this.wave();
    // In the middle of calls, or of what follows from them.
    this.isDying = true;
    const dying = this.wave();
    await sleep(random.below(40));
    await server.program.kill();
    await dying;
    this.isDying = false;
    server.respawn();
    if (random.next() < 0.4) {
      // While it starts: its lock, its recovery and its first records are under way.
      await sleep(random.between(100, 900));
      await server.program.kill();
      server.respawn();
    }
    await server.started();
    if (this.answered.length === 0) return;
    // A sender that lost the answer of long ago, and then that of a moment ago.
    const again = random.pick(this.answered);
    await this.call(again);
    const before = this.dropped;
    await this.call(again);
    expect(this.dropped - before).toBe(again.length);
  }

  /** Some calls at once; those that were answered need not be sent again. */
  private async wave(): Promise<void> {
    const wave = this.batches.slice(0, CALLS);
    const done = await Promise.all(wave.map((batch) => this.call(batch)));
    const answered = wave.filter((_, i) => done[i]);
    this.answered.push(...answered);
    for (const batch of answered) this.batches.splice(this.batches.indexOf(batch), 1);
  }

  /** False where the server died before it answered. */
  private async call(batch: readonly string[]): Promise<boolean> {
    const reply = await this.server.send(batch).catch((error: unknown) => {
      if (this.isDying) return null;
      throw new Error(`a call failed though nobody killed the server: ${this.server.program.err}`, { cause: error });
    });
    if (reply === null) return false;
    expect({ status: reply.status, ...reply.body }).toMatchObject({ status: 202, accepted: batch.length, rejected: 0 });
    this.accepted += batch.length;
    this.dropped += reply.body.duplicates as number;
    return true;
  }
}
