/**
 * Bearer tokens: who may speak to this server, as what, and about whom. Kept as hashes in one file; the secret is
 * shown once, when the token is made.
 *
 * The hash is one SHA-256, not a slow one: a secret here is 256 random bits, so there is nothing to guess that a slow
 * hash would protect, and the check stands before every inline decision.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { KilldeerError } from '../errors.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import { nodeFiles } from '../log/files.js';

/**
 * ingest: send events. gateway: ask for inline decisions. viewer: look. analyst: say what findings mean. responder: stop
 * and release. admin: all that people do.
 * Each is an exact capability; a token of the role ingest has no other.
 */
export const TOKEN_ROLES = ['ingest', 'gateway', 'viewer', 'analyst', 'responder', 'admin'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** What a token may speak about; null: no limit of this kind. An ingest token without any limit vouches for nobody. */
export interface TokenBindings {
  /** Exact tenant names; '' is the nameless tenant. */
  readonly tenants: readonly string[] | null;
  /** Agent names, or prefixes ending in '*'; a name covers its sub-agents NAME/... */
  readonly agents: readonly string[] | null;
}

export interface TokenIdentity {
  /** Safe to log; not the secret. */
  readonly id: string;
  /** 'person:NAME' for viewer, analyst, responder and admin; 'gateway:NAME', 'sender:NAME': these two can never stop or release. */
  readonly actor: string;
  readonly roles: readonly TokenRole[];
  readonly bindings: TokenBindings;
}

export interface TokenEntry extends TokenIdentity {
  readonly createdMs: number;
  /** From here on it opens nothing; null: it lasts until it is revoked. */
  readonly expiresMs: number | null;
  /** Down to the minute, as far as this process and the last write of the file know; null: never. */
  readonly usedMs: number | null;
}

export interface TokenRequest {
  /** Of the person or the machine that holds it. */
  readonly name: string;
  readonly roles: readonly TokenRole[];
  readonly bindings: TokenBindings;
  /** How long it lives, ms, at most TOKEN_MS_MAX; left out or null: until it is revoked. */
  readonly forMs?: number | null;
}

export interface CreatedToken {
  readonly entry: TokenEntry;
  /** The secret: shown this once. */
  readonly token: string;
}

export interface Tokens {
  /** Takes the whole Authorization header; null where it names no living token. */
  authenticate(header: string | undefined): TokenIdentity | null;
  /** Resolves once durable. Rejects with 'api.invalid' where the request makes no sense. */
  create(request: TokenRequest): Promise<CreatedToken>;
  list(): readonly TokenEntry[];
  /**
   * At once here; resolves once durable. False where there is no such token. Rejects with 'registry.refused' for the
   * last unbound admin, without whom nobody could make another.
   */
  revoke(id: string): Promise<boolean>;
  /** Whether the token opens anything now. */
  isLiving(id: string): boolean;
  /**
   * Takes over what another process has made of the file. Rejects with 'registry.tokens-unreadable' where it is no
   * token file any more; then the tokens stay as they were.
   */
  refresh(): Promise<void>;
}

export interface TokensOptions {
  /** The file of hashes. */
  readonly path: string;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /**
   * First start only: takes one token of each role, to be written where their owner alone can read them (mode 0600).
   * Called before they are valid, so that a crash in between makes new ones instead of tokens that nobody holds.
   */
  readonly handOut: (tokens: readonly CreatedToken[]) => Promise<void>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,99}$/;
const TOKEN = /^Bearer +kd_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/i;
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const TOKENS_MAX = 10_000;
/** A token that ends at all ends within a leap year. */
export const TOKEN_MS_MAX = 366 * 86_400_000;
const MINUTE_MS = 60_000;
const BINDINGS_MAX = 1_000;
/** Compared with where the id is unknown, so that the answer takes as long. */
const NO_HASH = Buffer.alloc(32);

const strings = z.array(z.string().max(300)).min(1).max(BINDINGS_MAX).nullable();
const rowSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string().regex(NAME),
  roles: z.array(z.enum(TOKEN_ROLES)).min(1),
  bindings: z.strictObject({ tenants: strings, agents: strings }),
  createdMs: z.number(),
  expiresMs: z.number().nullable().default(null),
  usedMs: z.number().nullable().default(null),
  /** SHA-256 of the secret, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
const fileSchema = z.strictObject({ format: z.literal(1), tokens: z.array(rowSchema).max(TOKENS_MAX) });
type Row = z.infer<typeof rowSchema>;

interface Living {
  readonly row: Row;
  readonly identity: TokenIdentity;
  readonly hash: Buffer;
  /** Infinity: it never ends. */
  readonly expiresMs: number;
  /** The one thing that changes with each call; 0: never. */
  usedMs: number;
}

/** Opens the tokens of a data directory, making the first ones where there are none. */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const bytes = await readWhole(nodeFiles, options.path);
  if (bytes !== null) return new TokenFile(options, parseFile(options.path, bytes));
  const file = new TokenFile(options, []);
  const bindings = { tenants: null, agents: null };
  const made = TOKEN_ROLES.map((role) => makeToken({ name: role, roles: [role], bindings }, options.clock()));
  await options.handOut(made.map(({ living, token }) => ({ entry: entryOf(living), token })));
  await file.keep(made.map(({ living }) => living));
  return file;
}

function parseFile(path: string, bytes: Uint8Array): Living[] {
  try {
    const file = fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return file.tokens.map(living);
  } catch (error) {
    throw new KilldeerError('registry.tokens-unreadable', `${path} is no token file`, error);
  }
}

class TokenFile implements Tokens {
  private tokens: ReadonlyMap<string, Living>;
  private readonly options: TokensOptions;
  /** One change at a time: each writes the file whole. */
  private changing: Promise<unknown> = Promise.resolve();

  constructor(options: TokensOptions, tokens: readonly Living[]) {
    this.options = options;
    this.tokens = byId(tokens);
  }

  authenticate(header: string | undefined): TokenIdentity | null {
    const match = header === undefined ? null : TOKEN.exec(header);
    if (match === null) return null;
    const known = this.tokens.get(match[1]);
    const equal = timingSafeEqual(hashOf(match[2]), known?.hash ?? NO_HASH);
    if (!equal || known === undefined) return null;
    const nowMs = this.options.clock();
    if (nowMs >= known.expiresMs) return null;
    known.usedMs = nowMs - (nowMs % MINUTE_MS);
    return known.identity;
  }

  isLiving(id: string): boolean {
    const known = this.tokens.get(id);
    return known !== undefined && this.options.clock() < known.expiresMs;
  }

  create(request: TokenRequest): Promise<CreatedToken> {
    return this.change(async () => {
      const problem = problemOf(request);
      if (problem !== null) throw new KilldeerError('api.invalid', problem);
      if (this.tokens.size >= TOKENS_MAX) throw new KilldeerError('registry.refused', `there are ${TOKENS_MAX} tokens`);
      const { living, token } = makeToken(request, this.options.clock());
      await this.keep([...this.tokens.values(), living]);
      return { entry: entryOf(living), token };
    });
  }

  list(): readonly TokenEntry[] {
    return Array.from(this.tokens.values(), entryOf);
  }

  revoke(id: string): Promise<boolean> {
    return this.change(async () => {
      const before = this.tokens;
      if (!before.has(id)) return false;
      const left = [...before.values()].filter(({ row }) => row.id !== id);
      // One that ends by itself leaves nobody behind.
      if (!left.some(isLastingAdmin) && [...before.values()].some(isLastingAdmin)) {
        throw new KilldeerError('registry.refused', `token ${id} is the last unbound admin: make another first`);
      }
      // A leaked token is shut out before the disk has answered; where the disk fails, the caller must know and repeat.
      this.tokens = byId(left);
      await this.keep(left).catch((error: unknown) => {
        this.tokens = before;
        throw error;
      });
      return true;
    });
  }

  /** Makes these the tokens, durably. */
  async keep(tokens: readonly Living[]): Promise<void> {
    const text = JSON.stringify({ format: 1, tokens: tokens.map(rowOf) }, null, 1);
    await writeAtomic(nodeFiles, this.options.path, Buffer.from(`${text}\n`));
    this.tokens = byId(tokens);
  }

  refresh(): Promise<void> {
    return this.inTurn(() => this.reread());
  }

  private async reread(): Promise<void> {
    const bytes = await readWhole(nodeFiles, this.options.path);
    // A file that is gone revokes nobody: whoever means that revokes the tokens.
    if (bytes === null) return;
    const found = parseFile(this.options.path, bytes);
    for (const token of found) token.usedMs = Math.max(token.usedMs, this.tokens.get(token.row.id)?.usedMs ?? 0);
    this.tokens = byId(found);
  }

  /** A change starts from what stands in the file: another process may have written it. */
  private change<T>(work: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      await this.reread();
      return work();
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changing.then(work);
    this.changing = done.catch(() => undefined);
    return done;
  }
}

function byId(tokens: readonly Living[]): ReadonlyMap<string, Living> {
  return new Map(tokens.map((token) => [token.row.id, token]));
}

function isLastingAdmin({ row, expiresMs }: Living): boolean {
  const { tenants, agents } = row.bindings;
  return row.roles.includes('admin') && tenants === null && agents === null && expiresMs === Number.POSITIVE_INFINITY;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function makeToken(
  { name, roles, bindings, forMs = null }: TokenRequest,
  createdMs: number,
): { living: Living; token: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const { tenants, agents } = bindings;
  const copies = { tenants: tenants === null ? null : [...tenants], agents: agents === null ? null : [...agents] };
  const times = { createdMs, expiresMs: forMs === null ? null : createdMs + forMs, usedMs: null };
  const row: Row = { id, name, roles: [...roles], bindings: copies, ...times, hash: hashOf(secret).toString('hex') };
  return { living: living(row), token: `kd_${id}_${secret}` };
}

function living(row: Row): Living {
  const { id, name, roles, bindings } = row;
  const identity = Object.freeze({ id, actor: actorOf(name, roles), roles, bindings });
  const expiresMs = row.expiresMs ?? Number.POSITIVE_INFINITY;
  return { row, identity, hash: Buffer.from(row.hash, 'hex'), expiresMs, usedMs: row.usedMs ?? 0 };
}

function rowOf({ row, usedMs }: Living): Row {
  return { ...row, usedMs: usedMs === 0 ? null : usedMs };
}

function entryOf(living: Living): TokenEntry {
  const { createdMs, expiresMs, usedMs } = rowOf(living);
  return { ...living.identity, createdMs, expiresMs, usedMs };
}

const PEOPLE: readonly TokenRole[] = ['viewer', 'analyst', 'responder', 'admin'];

/** Only people stop and release; the registry's fold goes by this word. */
function actorOf(name: string, roles: readonly TokenRole[]): string {
  if (roles.some((role) => PEOPLE.includes(role))) return `person:${name}`;
  return roles.includes('gateway') ? `gateway:${name}` : `sender:${name}`;
}

function problemOf({ name, roles, bindings, forMs = null }: TokenRequest): string | null {
  if (!NAME.test(name)) return `name '${name.slice(0, 100)}' must be 1 to 100 letters, digits, spaces or . _ @ -`;
  if (forMs !== null && !(forMs >= MINUTE_MS && forMs <= TOKEN_MS_MAX)) return 'it lives from 1 minute to 366 days';
  if (roles.length === 0) return 'roles: at least one';
  const unknown = roles.find((role) => !TOKEN_ROLES.includes(role));
  if (unknown !== undefined) return `roles: there is no role '${unknown}'`;
  if (roles.includes('ingest') && roles.length > 1)
    return 'roles: ingest stands alone, a sender of events can do nothing else';
  for (const [member, list] of [
    ['tenants', bindings.tenants],
    ['agents', bindings.agents],
  ] as const) {
    if (list === null) continue;
    if (!strings.safeParse(list).success)
      return `${member}: 1 to ${BINDINGS_MAX} names of at most 300 characters, or null`;
  }
  const wild = bindings.agents?.find((pattern) => pattern === '' || pattern.slice(0, -1).includes('*'));
  if (wild !== undefined) return `agents: '${wild}' is no name; '*' may stand only at its end`;
  return null;
}
