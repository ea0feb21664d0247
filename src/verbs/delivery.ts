/** The connectors of a process: opened from its setup, joined to its registry and engines, and told of in metrics. */
import { dirname, resolve } from 'node:path';
import { type Connectors, openConnectors } from '../connect/connectors.js';
import type { OutboxPorts } from '../connect/outbox.js';
import type { ControlRecord } from '../engine/record.js';
import { createRandom } from '../math/random.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import type { Registry } from '../registry/journal.js';
import type { Telemetry } from '../telemetry.js';
import type { Setup } from './setup.js';

export interface DeliveryOptions {
  readonly setup: Setup;
  /** Where time is a recording's, nothing is delivered: what is played again must not stop anybody. */
  readonly clock: 'wall' | 'recording';
  readonly telemetry: Telemetry;
  readonly report: (report: LiveReport) => void;
}

/** Rejects with 'config.invalid' where a connector cannot work as it is configured. */
export async function openDelivery({ setup, clock, telemetry, report }: DeliveryOptions): Promise<Connectors> {
  const isLive = clock === 'wall';
  const { connectors } = setup.config;
  if (!isLive && connectors.length > 0) {
    report({ level: 'warn', message: 'the connectors rest: what is played from a recording reaches nobody' });
  }
  const opened = await openConnectors({
    config: isLive ? connectors : [],
    folder: setup.source === 'defaults' ? process.cwd() : dirname(resolve(setup.source)),
    now: Date.now,
    draw: createRandom(`${process.pid} ${Date.now()}`).next,
    onFault: (error) => report({ level: 'error', message: 'a connector could not go on', error }),
  });
  telemetry.beforeRead(() => observeConnectors(telemetry, opened));
  return opened;
}

/** What connectors work on. */
export function portsOf(side: {
  readonly registry: Registry;
  readonly control: { write(record: ControlRecord): Promise<void> };
}): OutboxPorts {
  const { registry, control } = side;
  return {
    write: (draft) => registry.write(draft),
    effects: (tenant, agent) => registry.view.effects(tenant, agent),
    control: (record) => control.write(record),
  };
}

function observeConnectors(telemetry: Telemetry, connectors: Connectors): void {
  const { places, addressees } = connectors.status();
  for (const { name: connector, counts, unverified, ...rest } of places) {
    for (const state of ['sent', 'confirmed', 'unobserved', 'contradicted', 'failed', 'dead'] as const) {
      telemetry.total('killdeer_connector_effects_total', { connector, state }, counts[state]);
    }
    telemetry.set('killdeer_connector_unverified', { connector }, unverified);
    telemetry.set('killdeer_connector_backlog', { connector }, rest.backlog);
    telemetry.set('killdeer_connector_breaker_open', { connector }, rest.breaker === 'closed' ? 0 : 1);
  }
  for (const { name, kind, sent, dead, backlog, breaker } of addressees) {
    const connector = `${name}:${kind}`;
    telemetry.total('killdeer_connector_messages_total', { connector, result: 'sent' }, sent);
    telemetry.total('killdeer_connector_messages_total', { connector, result: 'dead' }, dead);
    telemetry.set('killdeer_connector_backlog', { connector }, backlog);
    telemetry.set('killdeer_connector_breaker_open', { connector }, breaker === 'closed' ? 0 : 1);
  }
}
