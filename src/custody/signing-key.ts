/**
 * The key that signs what is handed to auditors: Ed25519, from the environment, from a file, or made at first use
 * under the data directory with mode 0600. The secret part stays in here: no message, log or answer carries it.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { KilldeerError } from '../errors.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import { nodeFiles } from '../log/files.js';
import { canonical } from './jcs.js';
import type { Signer, Verifier } from './seal.js';

/** Public part of the key, RFC 8037, with its thumbprint as `kid`. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** base64url, 32 bytes. */
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'Ed25519';
}

/** Signs, and says with what it can be checked. */
export interface SigningKey extends Signer, Verifier {
  readonly jwk: PublicJwk;
}

export interface KeyPlace {
  /** Where the key is kept, and made where there is none. */
  readonly path: string;
  /** A key in text (PKCS#8 in PEM, or a JWK); wins over the file. undefined or empty: none. */
  readonly text?: string | undefined;
}

/** Opens the key, making it where there is none. Rejects with 'custody.key' where what is there is no such key. */
export async function openSigningKey({ path, text }: KeyPlace): Promise<SigningKey> {
  if (text !== undefined && text !== '') return signingKeyOf(text, 'the signing key of the environment');
  const bytes = await readWhole(nodeFiles, path);
  if (bytes !== null) return signingKeyOf(Buffer.from(bytes).toString('utf8'), path);
  const { privateKey } = generateKeyPairSync('ed25519');
  // Its owner's alone: the file system room makes every file so.
  await writeAtomic(nodeFiles, path, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  return keyOf(privateKey);
}

/** From text; `name` says where it comes from. Throws 'custody.key', which shows nothing of the text. */
export function signingKeyOf(text: string, name: string): SigningKey {
  return keyOf(parse(name, () => createPrivateKey(inputOf(text))));
}

/** The checking part alone, from a JWK or PEM. Throws 'custody.key'. */
export function verifierOf(text: string, name: string): Verifier {
  return checksOf(parse(name, () => createPublicKey(inputOf(text))));
}

/** RFC 7638: SHA-256 over the canonical form of the members that make the key (for OKP: RFC 8037, appendix A.3). */
export function thumbprint({ crv, kty, x }: Pick<PublicJwk, 'crv' | 'kty' | 'x'>): string {
  return createHash('sha256').update(canonical({ crv, kty, x })).digest('base64url');
}

function inputOf(text: string): Parameters<typeof createPublicKey>[0] & Parameters<typeof createPrivateKey>[0] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return trimmed;
  return { key: JSON.parse(trimmed), format: 'jwk' };
}

/** What the parser says may show a part of the key, so it is not passed on. */
function parse(name: string, read: () => KeyObject): KeyObject {
  try {
    const key = read();
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below.
  }
  throw new KilldeerError('custody.key', `${name} holds no Ed25519 key in PEM or as a JWK`);
}

function keyOf(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  return {
    ...checksOf(publicKey),
    jwk: publicJwk(publicKey),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey).toString('base64url'),
  };
}

function checksOf(publicKey: KeyObject): Verifier {
  return {
    kid: publicJwk(publicKey).kid,
    verify: (text, signature) =>
      verify(null, Buffer.from(text, 'utf8'), publicKey, Buffer.from(signature, 'base64url')),
  };
}

function publicJwk(publicKey: KeyObject): PublicJwk {
  const x = publicKey.export({ format: 'jwk' }).x ?? '';
  const members = { kty: 'OKP', crv: 'Ed25519', x } as const;
  return { ...members, kid: thumbprint(members), use: 'sig', alg: 'Ed25519' };
}
