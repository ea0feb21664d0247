import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CreatedToken, openTokens, type TokenRequest, type Tokens } from '../../src/registry/tokens.js';

const FREE = { tenants: null, agents: null };
let folder: string;
let path: string;
let nowMs = 7;

beforeEach(async () => {
  nowMs = 7;
  folder = await mkdtemp(join(tmpdir(), 'killdeer-tokens-'));
  path = join(folder, 'tokens.json');
});

afterEach(() => rm(folder, { recursive: true }));

async function open(): Promise<{ tokens: Tokens; handed: CreatedToken[] }> {
  const handed: CreatedToken[] = [];
  const handOut = async (made: readonly CreatedToken[]) => void handed.push(...made);
  return { tokens: await openTokens({ path, clock: () => nowMs, handOut }), handed };
}

const bearer = (made: CreatedToken | undefined) => `Bearer ${made?.token}`;

describe('the first start', () => {
  it('makes one token of each role, once', async () => {
    const { tokens, handed } = await open();
    expect(handed.map(({ entry }) => [entry.actor, entry.roles])).toEqual([
      ['sender:ingest', ['ingest']],
      ['gateway:gateway', ['gateway']],
      ['person:viewer', ['viewer']],
      ['person:analyst', ['analyst']],
      ['person:responder', ['responder']],
      ['person:admin', ['admin']],
    ]);
    for (const made of handed)
      expect(tokens.authenticate(bearer(made))).toEqual({
        ...{ id: made.entry.id, actor: made.entry.actor, roles: made.entry.roles, bindings: FREE },
      });
    const again = await open();
    expect(again.handed).toEqual([]);
    expect(again.tokens.authenticate(bearer(handed[5]))?.roles).toEqual(['admin']);
  });

  it('that could not hand them out leaves none behind', async () => {
    const failing = openTokens({ path, clock: () => 7, handOut: () => Promise.reject(new Error('no space')) });
    await expect(failing).rejects.toThrow('no space');
    expect((await open()).handed.length).toBe(6);
  });

  it('keeps no secret in its file', async () => {
    const { handed } = await open();
    const text = await readFile(path, 'utf8');
    for (const { token } of handed) {
      expect(text).not.toContain(token.slice('kd_'.length + 13));
    }
  });
});

describe('authenticating', () => {
  it('takes exactly the token, whatever the case of the scheme', async () => {
    const { tokens, handed } = await open();
    const token = handed[0].token;
    const other = handed[1].token;
    expect(tokens.authenticate(`bearer  ${token}`)).not.toBeNull();
    const flipped = token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.at(-1);
    const mixed = token.slice(0, 16) + other.slice(16);
    const headers = [
      undefined,
      '',
      'Bearer ',
      token,
      `Basic ${token}`,
      `Bearer ${flipped}`,
      `Bearer ${mixed}`,
      `Bearer ${token}x`,
    ];
    for (const header of headers) expect(tokens.authenticate(header)).toBeNull();
    expect(tokens.authenticate(`Bearer kd_${'0'.repeat(12)}_${'A'.repeat(43)}`)).toBeNull();
  });
});

describe('tokens', () => {
  it('are made, survive a restart with their bindings, and end when revoked', async () => {
    const { tokens } = await open();
    const bindings = { tenants: ['acme'], agents: ['crew', 'core-*'] };
    const made = await tokens.create({ name: 'build farm', roles: ['ingest'], bindings });
    expect(made.entry).toMatchObject({ actor: 'sender:build farm', roles: ['ingest'], bindings, createdMs: 7 });
    const later = (await open()).tokens;
    expect(later.authenticate(bearer(made))?.bindings).toEqual(bindings);
    expect(await later.revoke(made.entry.id)).toBe(true);
    expect(await later.revoke(made.entry.id)).toBe(false);
    expect(later.authenticate(bearer(made))).toBeNull();
    expect((await open()).tokens.authenticate(bearer(made))).toBeNull();
  });

  it('end at their time, at once and for good, and stay on the list', async () => {
    const { tokens } = await open();
    const made = await tokens.create({ name: 'ada', roles: ['admin'], bindings: FREE, forMs: 60_000 });
    expect(made.entry.expiresMs).toBe(60_007);
    nowMs = 60_006;
    expect(tokens.authenticate(bearer(made))).not.toBeNull();
    expect(tokens.isLiving(made.entry.id)).toBe(true);
    nowMs = 60_007;
    expect(tokens.authenticate(bearer(made))).toBeNull();
    expect(tokens.isLiving(made.entry.id)).toBe(false);
    const later = (await open()).tokens;
    expect(later.authenticate(bearer(made))).toBeNull();
    expect(later.list().find(({ id }) => id === made.entry.id)).toMatchObject({ expiresMs: 60_007 });
  });

  it('say when they were last used, down to the minute', async () => {
    const { tokens, handed } = await open();
    const used = () => tokens.list()[0]?.usedMs;
    expect(used()).toBeNull();
    nowMs = 185_000;
    tokens.authenticate(bearer(handed[0]));
    expect(used()).toBe(180_000);
    await tokens.create({ name: 'x', roles: ['gateway'], bindings: FREE });
    expect((await open()).tokens.list()[0]?.usedMs).toBe(180_000);
  });

  it('of another process count once the file was read again, and neither undoes the other', async () => {
    const { tokens: one } = await open();
    const { tokens: other } = await open();
    const made = await one.create({ name: 'ada', roles: ['viewer'], bindings: FREE });
    expect(other.authenticate(bearer(made))).toBeNull();
    await other.refresh();
    expect(other.authenticate(bearer(made))?.actor).toBe('person:ada');
    const second = await other.create({ name: 'bob', roles: ['viewer'], bindings: FREE });
    expect(await one.revoke(made.entry.id)).toBe(true);
    expect(one.authenticate(bearer(second))?.actor).toBe('person:bob');
    await other.refresh();
    expect(other.authenticate(bearer(made))).toBeNull();
  });

  it('stay as they were where the file was spoilt or taken away', async () => {
    const { tokens, handed } = await open();
    await writeFile(path, '{');
    await expect(tokens.refresh()).rejects.toMatchObject({ code: 'registry.tokens-unreadable' });
    await rm(path);
    await tokens.refresh();
    expect(tokens.authenticate(bearer(handed[5]))?.roles).toEqual(['admin']);
  });

  it('never leave a server without an admin', async () => {
    const { tokens } = await open();
    const id = tokens.list().find(({ roles }) => roles.includes('admin'))?.id ?? '';
    await expect(tokens.revoke(id)).rejects.toMatchObject({ code: 'registry.refused' });
    await tokens.create({ name: 'half', roles: ['admin'], bindings: { tenants: ['acme'], agents: null } });
    await expect(tokens.revoke(id)).rejects.toMatchObject({ code: 'registry.refused' });
    await tokens.create({ name: 'late', roles: ['admin'], bindings: FREE, forMs: 60_000 });
    await expect(tokens.revoke(id)).rejects.toMatchObject({ code: 'registry.refused' });
    await tokens.create({ name: 'ada', roles: ['admin'], bindings: FREE });
    expect(await tokens.revoke(id)).toBe(true);
  });

  it('made at the same time are all kept', async () => {
    const { tokens } = await open();
    const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => tokens.create({ name, roles: ['gateway'], bindings: FREE })));
    expect((await open()).tokens.list().length).toBe(16);
  });

  it.each<[string, Partial<TokenRequest>]>([
    ['no role', { roles: [] }],
    ['a life of a second', { forMs: 1_000 }],
    ['a life of two years', { forMs: 730 * 86_400_000 }],
    ['a life that is no number', { forMs: Number.NaN }],
    ['a role that there is not', { roles: ['root' as 'admin'] }],
    ['ingest beside another role', { roles: ['ingest', 'admin'] }],
    ['no name', { name: '' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a star inside', { bindings: { tenants: null, agents: ['a*b'] } }],
    ['an empty agent', { bindings: { tenants: null, agents: [''] } }],
    ['an empty list', { bindings: { tenants: [], agents: null } }],
  ])('with %s are refused', async (_, wrong) => {
    const { tokens } = await open();
    const request = { name: 'x', roles: ['gateway'] as const, bindings: FREE, ...wrong };
    await expect(tokens.create(request)).rejects.toMatchObject({ code: 'api.invalid' });
    expect(tokens.list().length).toBe(6);
  });

  it('of a broken file are an error with the file in it, not a fresh start', async () => {
    for (const text of ['', '{', '{"format":2,"tokens":[]}', '{"format":1,"tokens":[{}]}']) {
      await writeFile(path, text);
      await expect(open()).rejects.toMatchObject({ code: 'registry.tokens-unreadable' });
    }
  });
});
