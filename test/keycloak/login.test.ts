/** People of a real Keycloak: its access tokens as bearer tokens, and a login through its own form. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBearer } from '../../src/api/oidc-bearer.js';
import { createLogin } from '../../src/api/oidc-login.js';
import { createProvider } from '../../src/api/oidc-provider.js';
import { apiSchema, type OidcConfig } from '../../src/api/section.js';
import { visitorOf } from '../api/visitor.js';
import { addAgent, createWorld, type World } from '../api/world.js';
import { describeKeycloak, type KeycloakServer, startKeycloak } from './server.js';

const REALM = 'people';
const CLIENT = { id: 'killdeer', secret: 'secret-of-killdeer' };
const BACK = 'http://localhost:8321/v1/login/callback';
const AGENTS = { method: 'GET', url: '/v1/agents' } as const;
const START_WITHIN_MS = 300_000;

describeKeycloak('Keycloak', () => {
  let server: KeycloakServer;
  let world: World;

  beforeAll(async () => {
    server = await startKeycloak();
    await prepare(server);
    world = worldOf(server.url);
  }, START_WITHIN_MS);
  afterAll(() => server?.stop());

  const bearer = async (username: string) =>
    (
      await tokenOf(server.url, {
        grant_type: 'password',
        username,
        password: `password-of-${username}`,
        scope: 'openid',
      })
    ).access_token;

  it('lets in by its access tokens, each with the roles of its person', async () => {
    const ada = await world.call(await bearer('ada'), { method: 'GET', url: '/v1/session' });
    expect(ada.json()).toMatchObject({ actor: 'person:ada@x.example', roles: ['responder'], via: 'token' });
    expect(ada.json().authority).toMatch(/^oidc:http:\/\/127\.0\.0\.1:\d+\/realms\/people#[0-9a-f-]{36}$/);
    const eve = await world.call(await bearer('eve'), AGENTS);
    expect(eve.json()).toMatchObject({ code: 'api.forbidden' });
  });

  it('lets in no token of a machine, nor any that is not an access token', async () => {
    const machine = await tokenOf(server.url, { grant_type: 'client_credentials' });
    expect((await world.call(machine.access_token, AGENTS)).statusCode).toBe(403);
    const grant = { grant_type: 'password', username: 'ada', password: 'password-of-ada', scope: 'openid' };
    const { id_token: idToken = '', refresh_token: refreshToken = '' } = await tokenOf(server.url, grant);
    expect((await world.call(idToken, AGENTS)).statusCode).toBe(401);
    expect((await world.call(refreshToken, AGENTS)).statusCode).toBe(401);
  });

  it('logs a person in through its form, once', async () => {
    const visitor = visitorOf(world);
    const away = await visitor.call({ method: 'GET', url: '/v1/login' });
    const back = await throughForm(away.headers.location as string, 'ada', 'password-of-ada');
    expect(`${back.origin}${back.pathname}`).toBe(BACK);
    const callback = { method: 'GET', url: `${back.pathname}${back.search}` } as const;
    const home = await visitor.call(callback);
    expect([home.statusCode, home.headers.location]).toEqual([302, '/']);
    const session = (await visitor.call({ method: 'GET', url: '/v1/session' })).json();
    expect(session).toMatchObject({ via: 'oidc', actor: 'person:ada@x.example', roles: ['responder'] });
    visitor.csrf = session.csrf;
    const payload = { action: 'suspend', reason: 'test' };
    const stop = await visitor.write({ method: 'POST', url: '/v1/agents/clerk/stop', payload });
    expect(stop.statusCode).toBe(200);
    const by = { actor: 'person:ada@x.example', authority: session.authority };
    expect(world.records).toMatchObject([
      { ...by, type: 'deed', what: 'session-open' },
      { ...by, type: 'stop' },
    ]);
    expect((await visitorOf(world).call(callback)).statusCode).toBe(401);
  });

  it('does not log in somebody who has no role here', async () => {
    const visitor = visitorOf(world);
    const away = await visitor.call({ method: 'GET', url: '/v1/login' });
    const back = await throughForm(away.headers.location as string, 'eve', 'password-of-eve');
    const answer = await visitor.call({ method: 'GET', url: `${back.pathname}${back.search}` });
    expect(answer.json()).toMatchObject({ code: 'api.forbidden' });
    expect(visitor.cookie()).toBe('');
  });
});

function worldOf(url: string): World {
  const config = apiSchema.parse({
    oidc: {
      ...{ issuer: `${url}/realms/${REALM}`, client_id: CLIENT.id, redirect_url: BACK },
      ...{ roles_claim: 'realm_access.roles', roles: { 'kd-responder': 'responder' } },
    },
  }).oidc as OidcConfig;
  const provider = createProvider({ config, secret: CLIENT.secret });
  const login = createLogin(config, provider, BACK, Date.now);
  const world = createWorld({ parts: { oidc: { bearer: createBearer(config, provider, Date.now), login } } });
  addAgent(world, 'clerk');
  return world;
}

/** A realm with a person who has a role of ours, one who has none, and the client that a login needs. */
async function prepare({ admin }: KeycloakServer): Promise<void> {
  await admin('POST', '', { realm: REALM, enabled: true });
  await admin('POST', `/${REALM}/roles`, { name: 'kd-responder' });
  const role = await admin<object>('GET', `/${REALM}/roles/kd-responder`);
  for (const username of ['ada', 'eve']) {
    const credentials = [{ type: 'password', value: `password-of-${username}`, temporary: false }];
    const profile = { firstName: username, lastName: 'X', email: `${username}@x.example`, emailVerified: true };
    await admin('POST', `/${REALM}/users`, { username, enabled: true, credentials, ...profile });
  }
  const [ada] = await admin<{ id: string }[]>('GET', `/${REALM}/users?username=ada&exact=true`);
  await admin('POST', `/${REALM}/users/${ada?.id}/role-mappings/realm`, [role]);
  await admin('POST', `/${REALM}/clients`, {
    ...{ clientId: CLIENT.id, secret: CLIENT.secret, publicClient: false, standardFlowEnabled: true },
    ...{ directAccessGrantsEnabled: true, serviceAccountsEnabled: true, redirectUris: [BACK] },
    protocolMappers: [
      {
        ...{ name: 'audience', protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper' },
        config: { 'included.client.audience': CLIENT.id, 'access.token.claim': 'true' },
      },
    ],
  });
}

interface Tokens {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

async function tokenOf(url: string, grant: Record<string, string>): Promise<Tokens> {
  const body = new URLSearchParams({ ...grant, client_id: CLIENT.id, client_secret: CLIENT.secret });
  const response = await fetch(`${url}/realms/${REALM}/protocol/openid-connect/token`, { method: 'POST', body });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Tokens;
}

/** Fills in the form that the address shows, and answers with where it sends the browser. */
async function throughForm(address: string, username: string, password: string): Promise<URL> {
  const page = await fetch(address);
  const cookie = page.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
  const action = /<form[^>]* action="([^"]+)"/.exec(await page.text())?.[1]?.replaceAll('&amp;', '&') ?? '';
  const body = new URLSearchParams({ username, password });
  const answer = await fetch(action, { method: 'POST', body, headers: { cookie }, redirect: 'manual' });
  await answer.arrayBuffer();
  return new URL(answer.headers.get('location') ?? '');
}
