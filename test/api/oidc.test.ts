import { createHmac } from 'node:crypto';
import { exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOfClaims } from '../../src/api/oidc.js';
import { createBearer } from '../../src/api/oidc-bearer.js';
import { createLogin } from '../../src/api/oidc-login.js';
import { createProvider } from '../../src/api/oidc-provider.js';
import { apiSchema, type OidcConfig } from '../../src/api/section.js';
import { CLIENT, type Issuer, openIssuer } from './issuer.js';
import { visitorOf } from './visitor.js';
import { addAgent, createWorld, type World } from './world.js';

const BACK = 'http://localhost/v1/login/callback';
const AGENTS = { method: 'GET', url: '/v1/agents' } as const;
let issuer: Issuer;
let world: World;

function configOf(over: Partial<OidcConfig> = {}): OidcConfig {
  const own = { issuer: issuer.url, client_id: CLIENT, roles: { 'kd-responder': 'responder', 'kd-admin': 'admin' } };
  return apiSchema.parse({ oidc: { ...own, redirect_url: BACK, ...over } }).oidc as OidcConfig;
}

function worldOf(over: Partial<OidcConfig> = {}): World {
  const config = configOf(over);
  const provider = createProvider({ config, secret: 'secret-of-killdeer', cooldownMs: 0 });
  const bearer = createBearer(config, provider, Date.now);
  const made = createWorld({ parts: { oidc: { bearer, login: createLogin(config, provider, BACK, Date.now) } } });
  addAgent(made, 'clerk');
  return made;
}

beforeEach(async () => {
  issuer = await openIssuer();
  world = worldOf();
});
afterEach(() => issuer.close());

const status = async (token: string) => (await world.call(token, AGENTS)).statusCode;

describe('a token of the identity provider', () => {
  it('lets its person in with the roles that its claims give, and records say who it was', async () => {
    const token = await issuer.sign();
    const session = await world.call(token, { method: 'GET', url: '/v1/session' });
    expect(session.json()).toMatchObject({
      ...{ actor: 'person:ada@x.example', authority: `oidc:${issuer.url}#u-1`, roles: ['responder'], via: 'token' },
    });
    const payload = { action: 'suspend', reason: 'test' };
    await world.call(token, { method: 'POST', url: '/v1/agents/clerk/stop', payload });
    expect(world.records).toMatchObject([{ actor: 'person:ada@x.example', authority: `oidc:${issuer.url}#u-1` }]);
    const admin = await world.call(token, { method: 'GET', url: '/v1/tokens' });
    expect(admin.statusCode).toBe(403);
  });

  it('is checked once, and the keys are read once', async () => {
    const token = await issuer.sign();
    for (let i = 0; i < 5; i++) expect(await status(token)).toBe(200);
    issuer.isUp = false;
    expect(await status(token)).toBe(200);
    expect(issuer.reads).toBe(1);
  });

  const nowS = () => Math.floor(Date.now() / 1_000);
  it.each<[string, () => object]>([
    ['for somebody else', () => ({ aud: 'account' })],
    ['for nobody', () => ({ aud: undefined })],
    ['by another issuer', () => ({ iss: 'https://evil.example' })],
    ['by an issuer with one more slash', () => ({ iss: `${issuer.url}/` })],
    ['that has ended', () => ({ exp: nowS() - 60 })],
    ['that never ends', () => ({ exp: undefined })],
    ['that does not begin yet', () => ({ nbf: nowS() + 120 })],
    ['without a subject', () => ({ sub: undefined })],
    ['that is an ID token', () => ({ typ: 'ID' })],
    ['that is a refresh token', () => ({ typ: 'Refresh' })],
    ['that is bound to a key', () => ({ cnf: { jkt: 'x' } })],
  ])('%s opens nothing', async (_, claims) => {
    expect(await status(await issuer.sign(claims()))).toBe(401);
  });

  it('of no signature, of a shared secret, of an unknown or another key opens nothing', async () => {
    const good = await issuer.sign();
    const [, body = '', signature = ''] = good.split('.');
    const head = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const key = issuer.jwks().keys[0] ?? {};
    const pem = await exportSPKI((await importJWK(key, 'ES256')) as Parameters<typeof exportSPKI>[0]);
    const hmac = `${head({ alg: 'HS256', kid: 'k0' })}.${body}`;
    const { privateKey } = await generateKeyPair('ES256');
    const signed = (kid: string) => new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    const bad = [
      `${head({ alg: 'none' })}.${body}.`,
      `${head({ alg: 'none' })}.${body}.${signature}`,
      ...[pem, JSON.stringify(key), key.x ?? ''].map(
        (secret) => `${hmac}.${createHmac('sha256', secret).update(hmac).digest('base64url')}`,
      ),
      `${head({ alg: 'ES256', kid: 'k0' })}.${body}.${signature.slice(0, -4)}AAAA`,
      await signed('k0'),
      await signed('unknown'),
      await issuer.sign({}, { typ: 'logout+jwt' }),
      `${good}.x`,
      good.slice(0, -1),
    ];
    for (const token of bad) expect(`${token} ${await status(token)}`).toBe(`${token} 401`);
    expect(await status(good)).toBe(200);
  });

  it('signed with a new key is good at once, with one that is gone no longer', async () => {
    const old = await issuer.sign();
    expect(await status(old)).toBe(200);
    const unseen = await issuer.sign({ jti: 'unseen' });
    await issuer.rotate();
    expect(await status(await issuer.sign())).toBe(200);
    expect(await status(unseen)).toBe(401);
  });

  it('waits for nobody where the provider is away: the call is told to come again', async () => {
    issuer.isUp = false;
    const answer = await world.call(await issuer.sign(), AGENTS);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'oidc.unreachable', retry: true });
    expect(answer.headers['retry-after']).toBe('10');
    expect((await world.call('viewer', AGENTS)).statusCode).toBe(200);
    issuer.isUp = true;
    expect(await status(await issuer.sign())).toBe(200);
  });

  it('fails as often as any other', async () => {
    const limited = createWorld({
      limits: { failures: 60 },
      parts: {
        oidc: {
          bearer: createBearer(configOf(), createProvider({ config: configOf(), secret: null }), Date.now),
          login: null,
        },
      },
    });
    const bad = await issuer.sign({ aud: 'account' });
    for (let i = 0; i < 10; i++) expect((await limited.call(bad, AGENTS)).statusCode).toBe(401);
    expect((await limited.call(bad, AGENTS)).statusCode).toBe(429);
  });
});

describe('the claims', () => {
  const base = { sub: 'u', email: 'ada@x.example', email_verified: true, roles: ['kd-admin'] };
  const of = (claims: object, over: Partial<OidcConfig> = {}) =>
    identityOfClaims({ ...base, ...claims }, configOf(over));

  it.each<[string, object, Partial<OidcConfig>]>([
    ['no role of ours', { roles: ['other'] }, {}],
    ['roles that are no list', { roles: { 'kd-admin': true } }, {}],
    ['a role that only an object has by birth', { roles: ['constructor', '__proto__'] }, {}],
    ['no name', { email: undefined }, {}],
    ['an address that nobody has checked', { email_verified: false }, {}],
    ['an address that nobody says is checked', { email_verified: undefined }, {}],
    ['a name with a line break', { name: 'ada\nperson:bob' }, { name_claim: 'name' }],
    ['no tenants where they bind', {}, { tenants_claim: 'tenants' }],
    ['an empty list where it binds', { agents: [] }, { agents_claim: 'agents' }],
    ['a star inside', { agents: ['a*b'] }, { agents_claim: 'agents' }],
  ])('with %s let nobody in', (_, claims, over) => {
    expect(() => of(claims, over)).toThrow(expect.objectContaining({ code: 'api.forbidden' }));
  });

  it('may stand deep, or have dots in their own name', () => {
    const deep = { roles: undefined, realm_access: { roles: ['kd-admin'] } };
    expect(of(deep, { roles_claim: 'realm_access.roles' }).roles).toEqual(['admin']);
    expect(of({ 'https://x.example/roles': 'kd-admin' }, { roles_claim: 'https://x.example/roles' }).roles).toEqual([
      'admin',
    ]);
  });

  it('bind to tenants and agents', () => {
    const over = { tenants_claim: 'org', agents_claim: 'agents' };
    expect(of({ org: 'acme', agents: ['clerk', 'bot-*'] }, over).bindings).toEqual({
      ...{ tenants: ['acme'], agents: ['clerk', 'bot-*'] },
    });
  });
});

describe('the login', () => {
  /** As a browser follows it; stops before the callback. */
  async function begin() {
    const visitor = visitorOf(world);
    const away = await visitor.call({ method: 'GET', url: '/v1/login' });
    expect(away.statusCode).toBe(302);
    expect(away.headers['set-cookie']).toMatch(
      /^killdeer-login=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const asked = new URL(away.headers.location as string);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      ...{ response_type: 'code', client_id: CLIENT, redirect_uri: BACK, code_challenge_method: 'S256' },
    });
    const back = await fetch(asked, { redirect: 'manual' });
    return { visitor, back: new URL(back.headers.get('location') ?? '') };
  }

  const finish = (visitor: ReturnType<typeof visitorOf>, back: URL) =>
    visitor.call({ method: 'GET', url: `${back.pathname}${back.search}` });

  it('makes a session of what the provider says, and leads home', async () => {
    const { visitor, back } = await begin();
    const home = await finish(visitor, back);
    expect([home.statusCode, home.headers.location]).toEqual([302, '/']);
    const session = await visitor.call({ method: 'GET', url: '/v1/session' });
    expect(session.json()).toMatchObject({ via: 'oidc', actor: 'person:ada@x.example', roles: ['responder'] });
    expect(visitor.cookie()).not.toContain('killdeer-login');
    expect((await finish(visitor, back)).statusCode).toBe(401);
  });

  it('is finished by the browser alone that began it', async () => {
    const { back } = await begin();
    expect((await finish(visitorOf(world), back)).statusCode).toBe(401);
    const other = await begin();
    expect((await finish(other.visitor, back)).statusCode).toBe(401);
  });

  it.each<[string, (back: URL) => void]>([
    ['another state', (back) => back.searchParams.set('state', 'guess')],
    ['another issuer', (back) => back.searchParams.set('iss', 'https://evil.example')],
    ['no issuer', (back) => back.searchParams.delete('iss')],
    ['an error', (back) => back.searchParams.set('error', 'access_denied')],
    ['no code', (back) => back.searchParams.delete('code')],
  ])('with %s fails, and tells nothing of why', async (_, change) => {
    const { visitor, back } = await begin();
    change(back);
    const answer = await finish(visitor, back);
    expect(answer.statusCode).toBe(401);
    expect(answer.json().detail).toBe('the login did not come to a good end: begin it again');
  });

  it.each<[string, JWTPayload]>([
    ['of another login', { nonce: 'other' }],
    ['for another client', { aud: 'account' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that has ended', { exp: 1 }],
  ])('with an ID token %s fails', async (_, spoil) => {
    const { visitor, back } = await begin();
    issuer.spoil = spoil;
    expect((await finish(visitor, back)).statusCode).toBe(401);
  });

  it('of somebody without a role here fails, in words', async () => {
    issuer.person = { roles: ['other'] };
    const { visitor, back } = await begin();
    const answer = await finish(visitor, back);
    expect(answer.json()).toMatchObject({ code: 'api.forbidden' });
    expect(visitor.cookie()).toBe('');
  });

  it('says so where the provider is away, and where there is none', async () => {
    issuer.isUp = false;
    expect((await visitorOf(world).call({ method: 'GET', url: '/v1/login' })).statusCode).toBe(503);
    const plain = createWorld();
    expect((await plain.call(null, { method: 'GET', url: '/v1/login' })).statusCode).toBe(404);
    expect((await plain.call(null, { method: 'GET', url: '/v1/login-ways' })).json()).toEqual({
      link: true,
      oidc: false,
    });
  });
});

describe('the section', () => {
  it.each<[string, object]>([
    ['an issuer over plain http', { issuer: 'http://idp.example' }],
    ['a role that there is not', { roles: { x: 'root' } }],
    ['a role of machines', { roles: { x: 'ingest' } }],
    ['scopes without openid', { scopes: ['email'] }],
    ['a way back that is not ours', { redirect_url: 'https://killdeer.example/elsewhere' }],
    ['no way back', { redirect_url: null }],
    ['a misspelt member', { isuer: 'https://idp.example' }],
  ])('with %s is refused', (_, over) => {
    const oidc = { issuer: 'https://idp.example', client_id: 'k', roles: { x: 'admin' }, redirect_url: BACK, ...over };
    expect(apiSchema.safeParse({ oidc }).success).toBe(false);
  });
});
