/** The sponsor feed: who has left, and what the policy makes of their agents. */
import { KilldeerError } from '../errors.js';
import type { SponsorPlan } from '../registry/registry.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { takeBytes } from './body.js';
import { ADMINS, type Identity, type RegistryPort, type ServerParts } from './contract.js';
import { type SponsorsAnswer, sponsorsAnswer, sponsorsQuery } from './file-schema.js';
import { type Api, authorityOf } from './route.js';
import { bytesOf, FILE_BYTES_MAX, FILE_TYPES, formatOf } from './route-agent-file.js';
import { PROBLEMS_MAX } from './row-file.js';
import { readSponsorFile, type SponsorRow } from './sponsor-file.js';
import { withBreaths } from './steps.js';

const ROWS_MAX = 100_000;

type Change = SponsorsAnswer['changes'][number];

export function registerSponsors(app: Api, parts: ServerParts): void {
  app.register((scope, _options, done) => {
    takeBytes(scope as unknown as Api, FILE_TYPES);
    registerFeed(scope as unknown as Api, parts);
    done();
  });
}

function registerFeed(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/sponsors',
    bodyLimit: FILE_BYTES_MAX,
    config: {
      access: ADMINS,
      operation: 'sendSponsors',
      summary: 'Say who answers for agents and who has left; what follows is the policy to say',
    },
    schema: { querystring: sponsorsQuery, response: { 200: sponsorsAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      requireUnbound(identity);
      const { check, stops_max: stopsMax } = request.query;
      const feed = readSponsorFile(await bytesOf(request), formatOf(request), ROWS_MAX);
      const { rows, problems } = await withBreaths(feed);
      const people = problems.length > 0 ? [] : rows.map(({ value }) => value);
      const wanted = await withBreaths(planOf(registry, people));
      const answer = { rows: rows.length, problems: problems.slice(0, PROBLEMS_MAX), changes: wanted };
      if (check === 'true' || wanted.length === 0) return { ...answer, applied: false };
      requireFew(wanted, stopsMax ?? registry.brakes().brakes.stopsMax);
      const by = authorityOf(identity, request.id);
      const changes: Change[] = [];
      for (const { owner, state, successor } of wanted) {
        // Judged once more, since others write too, and an earlier word may have made a difference.
        const plan = registry.foreseeSponsor(owner, state, successor);
        const record = { type: 'sponsor', ...by, timeMs: clock(), owner, state, successor } as const;
        const { effect } = await registry.write(record);
        if (effect === 'applied' || effect === 'observed') changes.push(changeOf(record, plan, effect));
      }
      return { ...answer, changes, applied: true };
    },
  });
}

/** What the registry would do, of people it knows: a feed names whole companies. A person is a step. */
function* planOf(registry: RegistryPort, rows: readonly SponsorRow[]): Generator<void, Change[]> {
  const known = new Set<string | null>();
  for (const { owner, registration } of registry.entries()) known.add(owner).add(registration.technicalOwner);
  const changes: Change[] = [];
  const said = new Set<string>();
  for (const { owner, state: word, successor: heir } of rows) {
    if (said.has(owner) || !(known.has(owner) || registry.leavers().has(owner))) continue;
    said.add(owner);
    yield;
    const state = word === 'active' ? 'returned' : 'left';
    const successor = state === 'returned' ? null : heir;
    const plan = registry.foreseeSponsor(owner, state, successor);
    if (plan.effect === 'refused') throw new KilldeerError('registry.refused', plan.reason ?? 'it was refused');
    if (plan.effect !== 'duplicate') changes.push(changeOf({ owner, state, successor }, plan, plan.effect));
  }
  return changes;
}

function changeOf(
  { owner, state, successor }: Pick<Change, 'owner' | 'state' | 'successor'>,
  { reason, steps }: SponsorPlan,
  effect: Change['effect'],
): Change {
  const agents = steps.map(({ entry, follows, owner: after, reason: why }) => {
    return { tenant: entry.tenant, agent: entry.agent, follows, owner: after, reason: why };
  });
  return { owner, state, successor, effect, reason, agents };
}

/** A feed that went wrong names everybody as gone: beyond the limit it takes a person who says that this is meant. */
function requireFew(changes: readonly Change[], stopsMax: number): void {
  const stops = changes
    .filter(({ effect }) => effect === 'applied')
    .flatMap(({ agents }) => agents.filter(({ follows }) => follows === 'suspend')).length;
  if (stops <= stopsMax) return;
  const reason = `${stops} agents would be suspended, more than ${stopsMax}: look with check, then name stops_max`;
  throw new KilldeerError('registry.refused', reason);
}

function requireUnbound({ bindings }: Identity): void {
  if (!isBound(bindings)) return;
  throw new KilldeerError('api.forbidden', 'a bound token cannot send the sponsor feed: it may touch any agent');
}
