/** An identity provider of the tests: keys that can be exchanged, a login that everybody passes, and no word of it checked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export interface Issuer {
  readonly url: string;
  /** How often its keys were read. */
  reads: number;
  /** false: it answers nothing but 503. */
  isUp: boolean;
  /** What the next login says of the person, over what every one says. */
  person: JWTPayload;
  /** Said in the ID token alone, to spoil it. */
  spoil: JWTPayload;
  sign(claims?: object, header?: { alg?: string; kid?: string; typ?: string }): Promise<string>;
  /** The public key that is published now, as PEM would have it. */
  readonly jwks: () => { keys: JWK[] };
  /** New keys; `keep`: the old ones are published as well. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export const CLIENT = 'killdeer';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

export async function openIssuer(): Promise<Issuer> {
  let kid = 0;
  let pair: KeyPair = await generateKeyPair('ES256');
  let published: JWK = { ...(await exportJWK(pair.publicKey)), kid: 'k0', alg: 'ES256', use: 'sig' };
  const codes = new Map<string, { nonce: string | undefined }>();
  const server: Server = createServer((request, response) => {
    void answer(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const issuer: Issuer = {
    ...{ url, reads: 0, isUp: true, person: {}, spoil: {} },
    sign: (claims = {}, header = {}) =>
      new SignJWT({ ...claimsOf(url), ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: published.kid as string, ...header })
        .sign(pair.privateKey),
    jwks: () => ({ keys: [published] }),
    async rotate() {
      kid += 1;
      pair = await generateKeyPair('ES256');
      published = { ...(await exportJWK(pair.publicKey)), kid: `k${kid}`, alg: 'ES256', use: 'sig' };
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? '/', url);
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json', 'connection': 'close' }).end(JSON.stringify(value));
    if (!issuer.isUp) response.writeHead(503, { connection: 'close' }).end();
    else if (asked.pathname === '/.well-known/openid-configuration') json(metadataOf(url));
    else if (asked.pathname === '/keys') {
      issuer.reads += 1;
      json(issuer.jwks());
    } else if (asked.pathname === '/authorize') authorize(asked, response);
    else json(await tokensOf(new URLSearchParams(await bodyOf(request))));
  }

  /** Everybody is logged in at once. */
  function authorize({ searchParams }: URL, response: ServerResponse): void {
    const code = `code-${codes.size}`;
    codes.set(code, { nonce: searchParams.get('nonce') ?? undefined });
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({ code, state: searchParams.get('state') ?? '', iss: url }).toString();
    response.writeHead(302, { location: back.href, connection: 'close' }).end();
  }

  async function tokensOf(form: URLSearchParams): Promise<object> {
    const nonce = codes.get(form.get('code') ?? '')?.nonce;
    const { roles: _, ...own } = { ...claimsOf(url), ...issuer.person } as JWTPayload & { roles?: unknown };
    const idToken = await issuer.sign({ ...own, roles: undefined, nonce, ...issuer.spoil });
    const access = await issuer.sign({ ...issuer.person, aud: 'account' });
    return { token_type: 'Bearer', access_token: access, id_token: idToken, expires_in: 60 };
  }

  return issuer;
}

function claimsOf(url: string): JWTPayload {
  const nowS = Math.floor(Date.now() / 1_000);
  const person = { sub: 'u-1', email: 'Ada@x.example', email_verified: true, roles: ['kd-responder', 'other'] };
  return { iss: url, aud: CLIENT, iat: nowS, exp: nowS + 300, ...person };
}

function metadataOf(url: string): object {
  return {
    ...{ issuer: url, jwks_uri: `${url}/keys`, authorization_endpoint: `${url}/authorize` },
    ...{ token_endpoint: `${url}/token`, id_token_signing_alg_values_supported: ['ES256'] },
    ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
    ...{ authorization_response_iss_parameter_supported: true },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  return text;
}
