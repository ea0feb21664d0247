/** What the demo tells: findings and stops while it plays, and at its end what came of them. */

import { relative } from 'node:path';
import type { DecideAnswer } from '../api/decide-schema.js';
import { type Finding, isPage, SEVERITIES, type Severity } from '../decide/finding.js';
import type { RegistryChange, RegistryView } from '../registry/journal.js';
import { isProlonged } from '../registry/registry.js';
import { tokensPath } from './data-directory.js';
import { count, severityText, spanText, type Terminal } from './terminal.js';
import { createVoice, momentText, stopWords, type Voice } from './voice.js';

/** A stop that was put in force, and what a gateway was told right after it. */
interface Stop {
  readonly tenant: string;
  readonly agent: string;
  readonly words: string;
  readonly timeMs: number;
  answer: DecideAnswer | null;
}

export class DemoStory {
  /** Asks for a decision as a gateway would. */
  ask: (tenant: string, agent: string) => Promise<DecideAnswer> = () => Promise.reject(new Error('nobody to ask yet'));
  /** A person has ended it. */
  isCut = false;
  private readonly voice: Voice;
  private readonly severities = new Map<string, Severity>();
  private readonly stops: Stop[] = [];
  private asking: Promise<void>[] = [];

  constructor(private readonly terminal: Terminal) {
    this.voice = createVoice(terminal);
  }

  finding(finding: Finding): void {
    this.severities.set(finding.id, finding.severity);
    this.voice.finding(finding);
  }

  change(change: RegistryChange): void {
    this.voice.change(change);
    const { record, verdict } = change;
    if (record.type !== 'proposal' || verdict.effect !== 'applied' || verdict.entry === null) return;
    if (isProlonged(verdict)) return;
    const { tenant, agent } = verdict.entry;
    const words = stopWords(verdict.entry, record.timeMs);
    const stop: Stop = { tenant, agent, words, timeMs: record.timeMs, answer: null };
    this.stops.push(stop);
    // A question that failed leaves the stop without an answer to show.
    const asked = this.ask(tenant, agent).then(
      (answer) => {
        stop.answer = answer;
      },
      () => undefined,
    );
    this.asking.push(asked);
  }

  cut(): void {
    this.isCut = true;
  }

  /** Lines on their way to the log: they wait while a gateway's question is open, and end where a person ends it. */
  async *lines(lines: Iterable<string>): AsyncGenerator<string> {
    for (const line of lines) {
      if (this.isCut) return;
      if (this.asking.length > 0) await this.settled();
      yield line;
    }
  }

  /** Resolves once every question has its answer. */
  async settled(): Promise<void> {
    const asking = this.asking;
    this.asking = [];
    await Promise.all(asking);
  }

  /** What it came to: findings, stops, what /v1/decide answered, and who may work now. */
  summary(events: number, wallMs: number, view: RegistryView): void {
    const { terminal, severities, stops } = this;
    this.voice.flush();
    const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
    for (const severity of severities.values()) counts[severity]++;
    const answers = stops.map(({ agent, words, timeMs, answer }) => {
      return { agent, words, time: new Date(timeMs).toISOString(), decide: answer };
    });
    const entries = [...view.entries()];
    const agents = entries.filter(({ parent }) => parent === null).length;
    terminal.emit({ type: 'summary', events, agents, wall_ms: Math.round(wallMs), findings: counts, stops: answers });
    const pages = SEVERITIES.filter(isPage).reduce((sum, severity) => sum + counts[severity], 0);
    terminal.say('');
    terminal.say(
      `${count(events)} events of ${agents} agents and ${entries.length - agents} sub-agents in ${spanText(wallMs)}: ` +
        `${severities.size} findings, ${pages} of them pages.`,
    );
    this.showSeverities(counts);
    this.showStops(view);
  }

  private showSeverities(counts: Readonly<Record<Severity, number>>): void {
    const { terminal } = this;
    const parts = [...SEVERITIES].reverse().filter((severity) => counts[severity] > 0);
    if (terminal.rich) {
      terminal.say(parts.map((severity) => `  ${counts[severity]} ${severityText(terminal.paint, severity)}`).join(''));
    }
  }

  private showStops(view: RegistryView): void {
    const { terminal, stops } = this;
    if (stops.length === 0) return;
    const rows = stops.map(({ tenant, agent, words, timeMs, answer }) => [
      momentText(timeMs),
      words,
      answer === null ? 'not asked' : `${answer.allow ? 'allowed' : 'refused'}: ${answer.status}`,
      view.entry(tenant, agent)?.status ?? 'unknown',
    ]);
    terminal.say('');
    terminal.table(['at', 'stop', '/v1/decide answered', 'now'], rows);
  }

  /** How a person can go on from here. */
  invite(address: string, dir: string): void {
    const { terminal, stops } = this;
    const agent = stops.at(-1)?.agent ?? 'some-agent';
    const program = `node ${relative(process.cwd(), process.argv[1] ?? '')}`;
    terminal.say('');
    terminal.say('The API goes on serving. From another terminal:');
    for (const line of [
      `${program} agent list --data ${dir}`,
      `TOKEN=$(node -p 'require("${tokensPath(dir)}").responder') KD=${address}`,
      `curl -s -H "Authorization: Bearer $TOKEN" "$KD/v1/findings?severity=high&limit=3"`,
      `curl -s -H "Authorization: Bearer $TOKEN" $KD/v1/decide --json '{"agent":"${agent}"}'`,
    ]) {
      terminal.say(terminal.paint.cyan(`  ${line}`));
    }
    terminal.say('Ctrl-C ends it and removes its data.');
  }
}
