/**
 * How browsers meet the server: under which names, over TLS or not, with which cookies; and what tells a call of our own
 * pages from one that another site makes in a person's name.
 */
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { Session } from './sessions.js';

/** What the configuration says of it. */
export interface Site {
  /** People's browsers reach it over TLS: its own, or that of a proxy before it. */
  readonly secure: boolean;
  /** 'https://killdeer.example', as people's browsers name it; null: by its address. */
  readonly publicUrl: string | null;
  /** It listens on this machine alone, so that no other name than this machine's may lead to it. */
  readonly local: boolean;
  /** Its own certificate, in PEM. */
  readonly tls?: Keys;
}

export interface Keys {
  readonly cert: string;
  readonly key: string;
}

/** A server that nothing was said about: on this machine, without TLS. */
export const PLAIN_SITE: Site = { secure: false, publicUrl: null, local: true };

/** Once seen over TLS, never without it again, for a year. */
export const HSTS = 'max-age=31536000';

/** For the pages to come: their own files and this server, nothing else, and nobody may frame them. */
export const CONSOLE_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** The header that repeats the session's token. */
export const CSRF_HEADER = 'x-killdeer-csrf';

const LOCAL_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** 'session' lasts as long as the browser wants; 'login' is the state of one login at the identity provider. */
export type CookieKind = 'session' | 'login';

/** `__Host-` lets no other host and no plain connection set it. */
function cookieName(site: Site, kind: CookieKind): string {
  const name = kind === 'session' ? 'killdeer' : 'killdeer-login';
  return site.secure ? `__Host-${name}` : name;
}

/** null where the call carries none. */
export function readCookie(request: Pick<FastifyRequest, 'headers'>, site: Site, kind: CookieKind): string | null {
  const { cookie } = request.headers;
  if (cookie === undefined) return null;
  return fastifyCookie.parse(cookie)[cookieName(site, kind)] ?? null;
}

/** '' takes the cookie away. */
export function setCookie(reply: FastifyReply, site: Site, kind: CookieKind, value: string): void {
  // The answer of the identity provider comes from another site: a strict cookie would not be sent with it.
  const sameSite = kind === 'session' ? 'strict' : 'lax';
  const age = value === '' ? { maxAge: 0 } : kind === 'login' ? { maxAge: 600 } : {};
  const options = { path: '/', httpOnly: true, secure: site.secure, sameSite, ...age } as const;
  reply.header('set-cookie', fastifyCookie.serialize(cookieName(site, kind), value, options));
}

/** Throws 'api.misdirected' where a name that is not ours led here: a page could have bent its own name to this machine. */
export function requireOwnHost(request: Pick<FastifyRequest, 'headers'>, site: Site): void {
  if (!site.local) return;
  const { host = '' } = request.headers;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  if (LOCAL_NAMES.includes(name)) return;
  if (site.publicUrl !== null && host.toLowerCase() === new URL(site.publicUrl).host) return;
  throw new KilldeerError('api.misdirected', 'the Host header names another server: see api.public_url');
}

/** Whether a browser says that another site made the call. */
export function isForeign({ headers }: Pick<FastifyRequest, 'headers'>, site: Site): boolean {
  const from = headers['sec-fetch-site'];
  if (from !== undefined && from !== 'same-origin' && from !== 'none') return true;
  const { origin, host } = headers;
  if (origin === undefined) return false;
  if (origin === site.publicUrl) return false;
  const named = URL.canParse(origin) ? new URL(origin) : null;
  // A proxy may end TLS, so a page of https is at home on plain http behind it; the other way round never.
  const isPlain = site.secure && named?.protocol !== 'https:';
  return named === null || isPlain || named.host !== host?.toLowerCase();
}

/** What a call with a cookie must show before it may change anything. Throws 'api.forbidden'. */
export function requireOwnPage(
  request: Pick<FastifyRequest, 'headers' | 'method'>,
  site: Site,
  session: Session,
): void {
  if (SAFE_METHODS.includes(request.method)) return;
  if (isForeign(request, site)) throw new KilldeerError('api.forbidden', 'another site made this call');
  if (request.headers[CSRF_HEADER] === session.csrf) return;
  throw new KilldeerError('api.forbidden', `a session's call that changes something needs the header ${CSRF_HEADER}`);
}
