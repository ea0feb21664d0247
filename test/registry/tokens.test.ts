import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CreatedToken, openTokens, type TokenRequest, type Tokens } from '../../src/registry/tokens.js';

const FREE = { tenants: null, agents: null };
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killdeer-tokens-'));
  path = join(folder, 'tokens.json');
});

afterEach(() => rm(folder, { recursive: true }));

async function open(): Promise<{ tokens: Tokens; handed: CreatedToken[] }> {
  const handed: CreatedToken[] = [];
  const handOut = async (made: readonly CreatedToken[]) => void handed.push(...made);
  return { tokens: await openTokens({ path, clock: () => 7, handOut }), handed };
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
    for (const made of handed) expect(tokens.authenticate(bearer(made))).toEqual(made.entry);
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

  it('never leave a server without an admin', async () => {
    const { tokens } = await open();
    const id = tokens.list().find(({ roles }) => roles.includes('admin'))?.id ?? '';
    await expect(tokens.revoke(id)).rejects.toMatchObject({ code: 'registry.refused' });
    await tokens.create({ name: 'half', roles: ['admin'], bindings: { tenants: ['acme'], agents: null } });
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
