/**
 * Connectors before a real Keycloak: agents as clients with a service account, as users by the admin interface, and as
 * users by its SCIM interface.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBearer } from '../../src/connect/client-credentials.js';
import { createKeycloak, type KeycloakOptions } from '../../src/connect/keycloak.js';
import { createScim } from '../../src/connect/scim.js';
import { type Line, openLine } from '../connect/line.js';
import { type Counterpart, describeConnector } from '../connect/suite.js';
import { wish } from '../connect/wishes.js';
import { describeKeycloak, type KeycloakServer, startKeycloak } from './server.js';

const REALM = 'agents';
const KILLDEER = { id: 'killdeer', secret: 'secret-of-killdeer' };
const AGENTS = ['agent-0', 'agent-1', 'agent-2', 'alone'];
const START_WITHIN_MS = 300_000;
const SIGNAL = new AbortController().signal;
const secretOf = (agent: string) => `secret-of-${agent}`;

describeKeycloak('Keycloak', () => {
  let server: KeycloakServer;

  beforeAll(async () => {
    server = await startKeycloak();
    await prepare(server);
  }, START_WITHIN_MS);
  afterAll(() => server?.stop());

  const bearerOf = (url: string) =>
    createBearer({
      tokenUrl: `${url}/realms/${REALM}/protocol/openid-connect/token`,
      clientId: KILLDEER.id,
      secret: () => KILLDEER.secret,
      now: Date.now,
    });
  const connectorOf = (url: string, rest: Partial<KeycloakOptions>) =>
    createKeycloak({
      ...{ name: 'keycloak', url, realm: REALM, subjects: 'client', subject: '{agent}', ignoreUnknown: false },
      ...{ bearer: bearerOf(url), now: Date.now },
      ...rest,
    });
  const behindLine = async (
    open: (line: Line) => Promise<Omit<Counterpart, 'line' | 'close' | 'secrets' | 'changes'>>,
  ) => {
    const line = await openLine(server.url);
    const close = () => line.close();
    return { ...(await open(line)), line, close, secrets: [KILLDEER.secret], changes: () => null };
  };
  const isDisabled = async (agent: string) => {
    const [user] = await server.admin<{ enabled: boolean }[]>('GET', `/${REALM}/users?username=${agent}&exact=true`);
    return !user.enabled;
  };

  describeConnector('Keycloak, agents as clients', () =>
    behindLine(async (line) => ({
      connector: connectorOf(line.url, {}),
      // Not what it says of the client, but what the client gets.
      isStopped: async (agent) => (await server.tokenStatus(REALM, agent, secretOf(agent))) === 401,
    })),
  );

  describeConnector('Keycloak, agents as users', () =>
    behindLine(async (line) => ({ connector: connectorOf(line.url, { subjects: 'user' }), isStopped: isDisabled })),
  );

  describeConnector('Keycloak, agents as users by SCIM', () =>
    behindLine(async (line) => {
      const url = `${line.url}/realms/${REALM}/scim/v2`;
      await allowScim(server, url);
      const scim = { name: 'scim', url, resource: 'Users', attribute: 'userName', subject: '{agent}' } as const;
      return {
        connector: createScim({ ...scim, bearer: bearerOf(line.url), ignoreUnknown: false }),
        isStopped: isDisabled,
      };
    }),
  );

  it('leaves everything else of a client as it was', async () => {
    const read = () => server.admin<Record<string, unknown>[]>('GET', `/${REALM}/clients?clientId=alone`);
    const [before] = await read();
    await connectorOf(server.url, {}).apply(wish('alone', 'revoked'), 'k', SIGNAL);
    const [after] = await read();
    const changed = Object.keys(before).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
    expect(changed.sort()).toEqual(['enabled', 'notBefore']);
    expect(Number(after['notBefore'])).toBeGreaterThan(1_700_000_000);
    await connectorOf(server.url, {}).apply(wish('alone', 'active'), 'k2', SIGNAL);
    expect(await server.tokenStatus(REALM, 'alone', secretOf('alone'))).toBe(200);
  });

  it('says which agent it does not know, and fails for it unless that is fine', async () => {
    const applied = await connectorOf(server.url, {}).apply(wish('nobody'), 'k', SIGNAL);
    expect(applied).toMatchObject({ done: false, fault: 'wish', reason: 'it has no client nobody' });
    const lax = await connectorOf(server.url, { ignoreUnknown: true }).apply(wish('nobody'), 'k', SIGNAL);
    expect(lax).toMatchObject({ done: true, absent: true });
  });

  it('names the place for a token that it refuses', async () => {
    const bearer = createBearer({
      tokenUrl: `${server.url}/realms/${REALM}/protocol/openid-connect/token`,
      clientId: KILLDEER.id,
      secret: () => 'wrong-secret',
      now: Date.now,
    });
    const applied = await connectorOf(server.url, { bearer }).apply(wish('agent-1'), 'k', SIGNAL);
    expect(applied).toMatchObject({ done: false, fault: 'place', reason: 'Keycloak lookup: answered with 401' });
  });
});

/** A realm with three agents, each a client and a user, and Killdeer's own client, which may manage both. */
async function prepare({ admin }: KeycloakServer): Promise<void> {
  await admin('POST', '', { realm: REALM, enabled: true, attributes: { scimApiEnabled: 'true' } });
  const machine = { serviceAccountsEnabled: true, publicClient: false, standardFlowEnabled: false };
  for (const agent of AGENTS) {
    await admin('POST', `/${REALM}/clients`, { clientId: agent, secret: secretOf(agent), ...machine });
    await admin('POST', `/${REALM}/users`, { username: agent, enabled: true });
  }
  await admin('POST', `/${REALM}/clients`, { clientId: KILLDEER.id, secret: KILLDEER.secret, ...machine });
  const { own, management } = await clientsOf({ admin });
  const account = await admin<{ id: string }>('GET', `/${REALM}/clients/${own}/service-account-user`);
  const roles = await admin<{ name: string }[]>('GET', `/${REALM}/clients/${management}/roles`);
  const wanted = roles.filter(({ name }) => ['manage-clients', 'manage-users'].includes(name));
  await admin('POST', `/${REALM}/users/${account.id}/role-mappings/clients/${management}`, wanted);
}

async function clientsOf({ admin }: Pick<KeycloakServer, 'admin'>): Promise<{ own: string; management: string }> {
  const idOf = async (client: string) =>
    (await admin<{ id: string }[]>('GET', `/${REALM}/clients?clientId=${client}`))[0].id;
  return { own: await idOf(KILLDEER.id), management: await idOf('realm-management') };
}

/** The SCIM interface takes tokens alone that are made out to it. */
async function allowScim({ admin }: KeycloakServer, audience: string): Promise<void> {
  const { own } = await clientsOf({ admin });
  await admin('POST', `/${REALM}/clients/${own}/protocol-mappers/models`, {
    name: 'scim',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
  });
}
