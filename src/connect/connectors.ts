/**
 * All connectors of a process as one: opened from the configuration, told what happens, started where this process is
 * the one that delivers. Without any configured it holds nothing and does nothing.
 */
import { covers } from '../decide/binding.js';
import type { Finding } from '../decide/finding.js';
import { isListed } from '../decide/pattern.js';
import { type Addressee, Courier } from './courier.js';
import { requireAddress } from './exchange.js';
import type { Notice } from './notice.js';
import { noticeOfWish, noticesOf } from './notice.js';
import { type OpenOptions, openPlace, type PlaceConfig, secretOf } from './open-connector.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import { OwnerPages } from './owner-pages.js';
import type { ConnectorConfig, ConnectorOf } from './section.js';
import type { Carrier, ConnectorsStatus } from './status.js';
import { createPost } from './webhook.js';
import type { Change } from './wish-book.js';

export interface Connectors {
  /** Whether any is configured. */
  readonly isEmpty: boolean;
  /** Whether findings must be handed in. */
  readonly wantsFindings: boolean;
  /** To be told every change of the registry, from the first one of its log. Must be quick. */
  note(change: Change): void;
  finding(finding: Finding): void;
  /** Starts or stops delivering; in the order of the calls. */
  setActive(ports: OutboxPorts | null): Promise<void>;
  status(): ConnectorsStatus;
  /** The places that have to carry a suspension of this agent, whichever process delivers. */
  carriers(tenant: string, agent: string): readonly Carrier[];
}

export interface ConnectorsOptions extends OpenOptions {
  readonly config: readonly ConnectorConfig[];
  /** Uniform in [0, 1), for pauses. */
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
  /** How long alarms are gathered, ms. */
  readonly gatherMs?: number;
}

/** Rejects with 'config.invalid' where one of them cannot work as it is configured. */
export async function openConnectors(options: ConnectorsOptions): Promise<Connectors> {
  const { config, now, draw, onFault, gatherMs } = options;
  const placed = config.filter((one): one is PlaceConfig => one.kind !== 'notify');
  const places = await Promise.all(placed.map((one) => openPlace(one, options)));
  const addressees = config.flatMap((one) => addresseesOf(one, options));
  const gather = gatherMs === undefined ? {} : { gatherMs };
  const outbox = new Outbox({ places, now, draw, onFault, ...gather });
  const courier = new Courier({ addressees, now, draw, onFault });
  const ownerPages = new OwnerPages((notice) => courier.notice(notice));
  const isEmpty = config.length === 0;
  let changing: Promise<void> = Promise.resolve();
  let isActive = false;

  const setActive = async (ports: OutboxPorts | null): Promise<void> => {
    isActive = ports !== null && !isEmpty;
    if (!isActive || ports === null) {
      await Promise.all([outbox.stop(), courier.stop()]);
      return;
    }
    ownerPages.open(outbox.known);
    outbox.start(ports);
    courier.start((draft) => ports.write(draft));
  };

  return {
    isEmpty,
    wantsFindings: courier.wantsFindings,
    note: (change) => {
      if (isEmpty) return;
      const wishes = outbox.note(change);
      courier.note(change);
      ownerPages.note(change);
      for (const wish of wishes) {
        const notice = noticeOfWish(wish, outbox.known);
        if (notice !== null) courier.notice(notice);
      }
      for (const notice of noticesOf(change, outbox.known)) courier.notice(notice);
    },
    finding: (finding) => {
      courier.finding(finding);
      if (courier.wantsOwners) ownerPages.finding(finding);
    },
    setActive: (ports) => {
      changing = changing.then(() => setActive(ports));
      return changing;
    },
    carriers: (tenant, agent) =>
      places
        .filter(({ covers, settings }) => settings.statuses.includes('suspended') && covers({ tenant, agent }))
        .map(({ connector, settings }) => ({ name: connector.name, verifyWithinMs: settings.verifyWithinMs })),
    status: () => ({ active: isActive, places: outbox.status() ?? [], addressees: courier.status() }),
  };
}

function addresseesOf(config: ConnectorConfig, options: OpenOptions): Addressee[] {
  if (config.kind === 'notify') {
    requireAddress(config.name, config.url, config.insecure);
    return [addresseeOf(config, 'notify', config.per_minute, options, ownerFilter(config))];
  }
  if (config.kind !== 'webhook' || !config.pages) return [];
  return [addresseeOf(config, 'pages', 1, options, () => false)];
}

function addresseeOf(
  config: ConnectorOf<'webhook' | 'notify'>,
  kind: Addressee['kind'],
  perMinute: number,
  options: OpenOptions,
  wantsNotice: (notice: Notice) => boolean,
): Addressee {
  const { name, url } = config;
  const post = createPost({ name, url, secret: secretOf(config, options), now: options.now });
  const bindings = { tenants: config.tenants, agents: config.agents };
  return {
    ...{ name, kind, post, perMinute, wantsNotice },
    timeoutMs: config.timeout,
    giveUpAfterMs: config.give_up_after,
    breakerFailures: config.breaker_failures,
    retry: { firstMs: config.retry_first, mostMs: config.retry_most },
    rest: { firstMs: config.breaker_rest, mostMs: Math.max(config.breaker_rest, config.retry_most) },
    // What concerns the whole fleet concerns everybody.
    wantsFinding: ({ tenant, agent }) => agent === 'fleet' || covers(bindings, tenant, agent),
  };
}

function ownerFilter({ tenants, agents, owners }: ConnectorOf<'notify'>): (notice: Notice) => boolean {
  return ({ owner, tenant, agent }) => {
    if (owners !== null && (owner === null || !isListed(owners, owner))) return false;
    if (agent !== null) return covers({ tenants, agents }, tenant, agent);
    return tenants === null || tenant === '' || tenants.includes(tenant);
  };
}
