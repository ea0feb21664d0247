/** From a row of the configuration to the connector that it describes; what is wrong with it is told at once. */
import { resolve } from 'node:path';
import { covers } from '../decide/binding.js';
import { createCaep, requireKey } from './caep.js';
import { createBearer } from './client-credentials.js';
import type { Connector } from './contract.js';
import { requireAddress, urlOf } from './exchange.js';
import { createKeycloak } from './keycloak.js';
import type { LaneSettings } from './lane.js';
import type { Place } from './outbox.js';
import { createScim, fixedBearer } from './scim.js';
import { openSecret, type Secret } from './secret.js';
import type { ConnectorConfig, ConnectorOf } from './section.js';
import { createWebhook } from './webhook.js';

/** Those that are told what to enforce. */
export type PlaceConfig = Exclude<ConnectorConfig, { kind: 'notify' }>;

export interface OpenOptions {
  /** Relative paths of files are taken from here. */
  readonly folder: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** Rejects with 'config.invalid' where an address, a secret or a key will not do. */
export async function openPlace(config: PlaceConfig, options: OpenOptions): Promise<Place> {
  for (const address of addressesOf(config)) requireAddress(config.name, address, config.insecure);
  const connector = await openConnector(config, options);
  const bindings = { tenants: config.tenants, agents: config.agents };
  return {
    connector,
    covers: ({ tenant, agent }) => covers(bindings, tenant, agent),
    settings: settingsOf(config),
  };
}

/** Throws 'config.invalid' where there is none. */
export function secretOf(config: ConnectorConfig, { folder }: OpenOptions): Secret {
  const { name, secret_env: env, secret_file: file } = config;
  return openSecret(name, { env, file: file === null ? null : resolve(folder, file) });
}

function addressesOf(config: PlaceConfig): string[] {
  const addresses = [config.url];
  if (config.kind === 'webhook' && config.status_url !== null) addresses.push(config.status_url);
  if (config.kind === 'scim' && config.oauth !== null) addresses.push(config.oauth.token_url);
  return addresses;
}

function settingsOf(config: PlaceConfig): LaneSettings {
  return {
    statuses: config.statuses,
    timeoutMs: config.timeout,
    verifyWithinMs: config.verify_within,
    rereadEveryMs: config.reread_every,
    giveUpAfterMs: config.give_up_after,
    parallel: config.parallel,
    breakerFailures: config.breaker_failures,
    retry: { firstMs: config.retry_first, mostMs: config.retry_most },
    rest: { firstMs: config.breaker_rest, mostMs: Math.max(config.breaker_rest, config.retry_most) },
  };
}

async function openConnector(config: PlaceConfig, options: OpenOptions): Promise<Connector> {
  const { name, url } = config;
  const { now } = options;
  const secret = secretOf(config, options);
  switch (config.kind) {
    case 'webhook':
      return createWebhook({ name, url, secret, statusUrl: config.status_url, now });
    case 'scim':
      return openScim(config, secret, now);
    case 'keycloak':
      return openKeycloak(config, secret, now);
    case 'caep': {
      const { issuer, audience, algorithm, key_id: keyId, subject, credential_type: credentialType } = config;
      const token = config.token_env === null ? null : openSecret(name, { env: config.token_env, file: null });
      const caep = { name, url, issuer, audience, algorithm, key: secret, keyId, subject, credentialType, token, now };
      await requireKey(caep);
      return createCaep(caep);
    }
  }
}

function openScim(config: ConnectorOf<'scim'>, secret: Secret, now: () => number): Connector {
  const { name, url, oauth, resource, attribute, subject, unknown } = config;
  const bearer =
    oauth === null
      ? fixedBearer(secret)
      : createBearer({ tokenUrl: oauth.token_url, clientId: oauth.client_id, secret, now });
  return createScim({ name, url, resource, attribute, subject, bearer, ignoreUnknown: unknown === 'ignore' });
}

function openKeycloak(config: ConnectorOf<'keycloak'>, secret: Secret, now: () => number): Connector {
  const { name, url, realm, client_id: clientId, subjects, subject, unknown } = config;
  const tokenUrl = urlOf(url, ['realms', config.admin_realm ?? realm, 'protocol', 'openid-connect', 'token']);
  const bearer = createBearer({ tokenUrl, clientId, secret, now });
  return createKeycloak({ name, url, realm, subjects, subject, bearer, ignoreUnknown: unknown === 'ignore', now });
}
