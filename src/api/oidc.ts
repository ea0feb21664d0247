/**
 * What the server needs of an identity provider, and how its claims become somebody who is known here. Nothing is
 * guessed: a claim that the configuration names and that is not there lets nobody in.
 */
import { KilldeerError } from '../errors.js';
import type { Bindings, Identity } from './identity.js';
import { type OidcConfig, PEOPLE, type PersonRole } from './section.js';

/** Access tokens of the provider, as bearer tokens. Takes the whole Authorization header. */
export interface BearerPort {
  /**
   * null: not one of its tokens, or a bad one. A promise where it was not seen before. Throws or rejects with
   * 'api.forbidden' where the person may do nothing here, with 'oidc.unreachable' where the provider cannot be asked.
   */
  verify(header: string): Identity | null | Promise<Identity | null>;
  /** From memory alone. */
  known(header: string | undefined): Identity | null;
}

/** The code flow. */
export interface LoginPort {
  /** Where to send the browser, and the key that its cookie brings back. */
  begin(): Promise<{ readonly url: string; readonly key: string }>;
  /** `search`: what stood behind '?' of the callback. Rejects with 'api.unauthorized' or 'api.forbidden'. */
  finish(key: string, search: string): Promise<Identity>;
}

export interface OidcPort {
  readonly bearer: BearerPort | null;
  readonly login: LoginPort | null;
}

export type Claims = Readonly<Record<string, unknown>>;

/** An e-mail address is a name too; no control character, and nothing that reads as another kind of actor. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,99}$/;
const BINDINGS_MAX = 1_000;

/** Who the claims are. `id` is issuer and subject, which never pass to another person. Throws 'api.forbidden'. */
export function identityOfClaims(claims: Claims, config: OidcConfig): Identity {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > 255) throw refused('the token names no subject');
  const bindings = { tenants: bound(claims, config.tenants_claim), agents: bound(claims, config.agents_claim) };
  checkAgents(bindings, config.agents_claim);
  const roles = rolesOf(claims, config);
  return Object.freeze({
    id: `oidc:${config.issuer}#${sub}`,
    actor: `person:${nameOf(claims, config.name_claim)}`,
    roles,
    bindings,
  });
}

function nameOf(claims: Claims, claim: string): string {
  const name = at(claims, claim);
  if (typeof name !== 'string' || !NAME.test(name)) throw refused(`the claim ${claim} names nobody`);
  // Anybody may write an address into their profile: unless the provider has checked it, it could be somebody else's.
  if (claim === 'email' && claims['email_verified'] !== true) throw refused('the e-mail address is not verified');
  return claim === 'email' ? name.toLowerCase() : name;
}

function rolesOf(claims: Claims, config: OidcConfig): readonly PersonRole[] {
  const given = listOf(at(claims, config.roles_claim)) ?? [];
  const mapped = new Set(given.flatMap((value) => (Object.hasOwn(config.roles, value) ? [config.roles[value]] : [])));
  const roles = PEOPLE.filter((role) => mapped.has(role));
  if (roles.length > 0) return roles;
  throw refused(`no value of the claim ${config.roles_claim} gives a role here`);
}

/** A claim that is named and absent must not leave anybody unbound. */
function bound(claims: Claims, claim: string | null): readonly string[] | null {
  if (claim === null) return null;
  const list = listOf(at(claims, claim));
  if (list !== null && list.length > 0 && list.length <= BINDINGS_MAX) return list;
  throw refused(`the claim ${claim} is missing, or no list of names`);
}

function checkAgents({ agents }: Bindings, claim: string | null): void {
  const wild = agents?.some((pattern) => pattern === '' || pattern.slice(0, -1).includes('*'));
  if (wild === true) throw refused(`the claim ${claim} holds what is no name; '*' may stand only at its end`);
}

function listOf(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return null;
  return value.every((one): one is string => typeof one === 'string' && one.length <= 300) ? value : null;
}

/** By its own name first, which may hold dots; else from object to object. */
function at(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

function refused(reason: string): KilldeerError {
  return new KilldeerError('api.forbidden', `the identity provider let somebody in who may do nothing here: ${reason}`);
}
