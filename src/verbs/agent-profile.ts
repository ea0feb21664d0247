/** `killdeer agent profile`: what is known of an agent, as a person reads it. */
import type { Command } from 'commander';
import type { ProfileAnswer } from '../api/profile-schema.js';
import { type ClientChoice, clientOf } from './data-directory.js';
import { type Cell, count, type Terminal } from './terminal.js';

export function addAgentProfile(onAgent: (name: string, words: string) => Command, terminal: Terminal): void {
  onAgent('profile', 'what is known of it: how often it calls, what it costs, what is usual').action(
    async (name: string, whom: ClientChoice & { readonly tenant?: string }) => {
      showProfile(terminal, await clientOf(whom, 'responder').profile(name, whom.tenant));
    },
  );
}

export function showProfile(terminal: Terminal, profile: ProfileAnswer): void {
  terminal.emit(profile);
  if (!terminal.rich) return;
  terminal.table(['', profile.agent], [...ofStanding(profile), ...ofCost(profile), ...ofNames(profile)]);
  terminal.table(
    ['window', 'of', 'now', 'usual', 'from', 'to', 'learned'],
    profile.windows.map(({ stream, window_ms, count: now, band, learned }) => [
      ...[lengthText(window_ms), STREAM_WORDS[stream], short(now), short(band.expected), band.low, band.high],
      Math.round(learned),
    ]),
    [2, 3, 4, 5, 6],
  );
  terminal.say(`as of ${moment(profile.as_of_ms)}; one count in a hundred lies outside of from to to`);
}

const STREAM_WORDS: Readonly<Record<ProfileAnswer['windows'][number]['stream'], string>> = {
  events: 'calls',
  starts: 'sessions begun',
  spawns: 'sub-agents begun',
  errors: 'failures',
};

function ofStanding(profile: ProfileAnswer): Cell[][] {
  const { cohort, risk, open_findings: open } = profile;
  const days = `${profile.closed_days} closed days`;
  return [
    ['profile of', profile.root === profile.agent ? 'itself and its tree' : `the tree of ${profile.root}`],
    ['standing', `${profile.standing}, ${days}${profile.shelved ? ', not heard of lately' : ''}`],
    ['risk', `${risk}, ${open} open findings`],
    ['seen', `${momentOr(profile.since_ms)} to ${momentOr(profile.last_seen_ms)}`],
    ['events', `${count(profile.events)} in ${count(profile.sessions)} sessions`],
    ['longest silence', lengthText(profile.longest_silence_ms)],
    ['role', profile.role],
    ['cohort', cohort === null ? 'none' : `${cohort.id}, ${count(cohort.members)} agents`],
    ['code seen', profile.versions.join(', ')],
    ['failures', `${short(profile.error_share * 100)} % of calls of late`],
    ['rhythm', rhythmText(profile.hours)],
  ];
}

function ofCost({ cost, drift }: ProfileAnswer): Cell[][] {
  const { session, hour } = cost;
  return [
    ['a session costs', rangeText(session.usual)],
    ['an hour costs', rangeText(hour.usual)],
    ['last hour', usd(cost.last_hour_usd)],
    ['today', `${usd(cost.day_usd)}, ${usd(cost.day_projected_usd)} at this pace${budgetText(cost.day_budget_usd)}`],
    ['sessions running', runningText(cost)],
    ['cost drift', driftText(drift.session_usd, drift.anchor_usd)],
    [
      'calls a minute',
      `${short(drift.calls_per_minute)} of late, ${short(drift.anchor_calls_per_minute)} by the anchor`,
    ],
  ];
}

function ofNames({ endpoints, targets, sources, environments, credentials }: ProfileAnswer): Cell[][] {
  const known = (of: ProfileAnswer['endpoints']) =>
    `${of.remembered} known, ${of.adopted} normal, ${of.recent} new this week`;
  return [
    ['endpoints', known(endpoints)],
    ['targets', known(targets)],
    ['comes from', `${sources} sources, ${environments} environments, ${credentials} credentials`],
  ];
}

function runningText({ running, session_budget_usd: budget }: ProfileAnswer['cost']): string {
  const dearest = running.reduce((most, one) => Math.max(most, one.cost_usd), 0);
  if (running.length === 0) return 'none';
  return `${running.length}, the dearest ${usd(dearest)}${budgetText(budget)}`;
}

function budgetText(budget: number | null): string {
  return budget === null ? '' : ` of ${usd(budget)}`;
}

function driftText(late: number | null, anchor: number | null): string | null {
  return late === null || anchor === null ? null : `${usd(late)} a session of late, ${usd(anchor)} by the anchor`;
}

function rangeText(usual: ProfileAnswer['cost']['hour']['usual']): string {
  return usual === null ? 'not known yet' : `${usd(usual.expected)}, ${usd(usual.low)} to ${usd(usual.high)}`;
}

/** The busiest hour, where hours tell. */
function rhythmText(hours: readonly number[] | null): string {
  if (hours === null) return 'none';
  const most = Math.max(...hours);
  return `busiest at ${String(hours.indexOf(most)).padStart(2, '0')}:00 UTC, ${short(most)} times the mean`;
}

function usd(value: number): string {
  return `$${short(value)}`;
}

function short(x: number): string {
  return String(Number(x.toPrecision(3)));
}

function lengthText(ms: number): string {
  if (ms < 60_000) return `${short(ms / 1_000)} s`;
  return ms < 3_600_000 ? `${short(ms / 60_000)} min` : `${short(ms / 3_600_000)} h`;
}

function momentOr(ms: number | null): string {
  return ms === null ? 'not known' : moment(ms);
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}
