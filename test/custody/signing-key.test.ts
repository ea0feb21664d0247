/** Keys and signatures, held against the RFCs' own vectors and a library that we did not write. */
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, importJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonical } from '../../src/custody/jcs.js';
import { brokenSeal, signatureOver } from '../../src/custody/seal.js';
import { openSigningKey, signingKeyOf, thumbprint, verifierOf } from '../../src/custody/signing-key.js';

/** RFC 8037, appendix A: the key of RFC 8032, section 7.1, test 1. */
const RFC_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex').toString('base64url'),
  x: Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex').toString('base64url'),
} as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-key-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the signing key', () => {
  it('signs as RFC 8032 says, and is named as RFC 7638 says', async () => {
    const key = signingKeyOf(JSON.stringify(RFC_KEY), 'the key');
    expect(key.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    expect(key.kid).toBe(await calculateJwkThumbprint({ ...RFC_KEY }));
    expect(Buffer.from(key.sign(''), 'base64url').toString('hex')).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    );
    expect(key.jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: RFC_KEY.x, kid: key.kid, use: 'sig', alg: 'Ed25519' });
  });

  it('is made once, for its owner alone, and then read', async () => {
    const path = join(folder, 'signing-key.pem');
    const made = await openSigningKey({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await openSigningKey({ path, text: '' })).toMatchObject({ kid: made.kid });
    const named = await openSigningKey({ path, text: readFileSync(path, 'utf8') });
    expect(named.kid).toBe(made.kid);
    expect(thumbprint(made.jwk)).toBe(made.kid);
  });

  it('from the environment wins, and makes no file', async () => {
    const path = join(folder, 'signing-key.pem');
    const key = await openSigningKey({ path, text: JSON.stringify(RFC_KEY) });
    expect(key.jwk.x).toBe(RFC_KEY.x);
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  it('that is none says so, and shows nothing of it', async () => {
    const path = join(folder, 'bad.pem');
    for (const text of ['secret-words', JSON.stringify({ ...RFC_KEY, crv: 'X25519' }), '{"d":"secret-words"']) {
      writeFileSync(path, text);
      const error = await openSigningKey({ path }).catch((caught) => caught);
      expect(error).toMatchObject({ code: 'custody.key' });
      expect(error.cause).toBeUndefined();
      expect(String(error.message)).toBe(`${path} holds no Ed25519 key in PEM or as a JWK`);
    }
  });
});

describe('a sealed document', () => {
  const document = { b: [1, 'ü'], a: null };
  const key = signingKeyOf(JSON.stringify(RFC_KEY), 'the key');
  const checker = verifierOf(JSON.stringify(key.jwk), 'the public key');

  it('is checked with the public part alone, in whatever order its members stand', async () => {
    const signature = signatureOver(canonical(document), key);
    expect(brokenSeal(signature, canonical({ a: document.a, b: document.b }), checker)).toBeNull();
    const subtle = await importJWK({ ...key.jwk }, 'Ed25519');
    const bytes = Buffer.from(signature.value, 'base64url');
    const text = Buffer.from(canonical(document), 'utf8');
    expect(await webcrypto.subtle.verify('Ed25519', subtle as webcrypto.CryptoKey, bytes, text)).toBe(true);
  });

  it('holds no more after any change, nor by another key', () => {
    const text = canonical(document);
    const signature = signatureOver(text, key);
    expect(brokenSeal(signature, canonical({ ...document, b: [1, 'u'] }), checker)).toBe(
      'it was changed after it was signed',
    );
    expect(brokenSeal({ ...signature, value: '' }, text, checker)).toBe('it was changed after it was signed');
    expect(brokenSeal({ ...signature, kid: 'x' }, text, checker)).toContain('signed with the key x');
  });
});
