/**
 * A document with its signature in it: Ed25519 (RFC 8032) over the canonical form (RFC 8785) of the document without
 * the signature. The key is named by its thumbprint (RFC 7638).
 */

/** What stands in a document under `signature`. */
export interface Signature {
  /** Of RFC 9864. */
  readonly alg: 'Ed25519';
  readonly kid: string;
  /** base64url. */
  readonly value: string;
}

/** The part of a key that signs. */
export interface Signer {
  readonly kid: string;
  /** base64url of the signature over the UTF-8 bytes of the text. */
  sign(text: string): string;
}

/** The part of a key that checks. */
export interface Verifier {
  readonly kid: string;
  /** Whether the signature, base64url, is this key's over the text. */
  verify(text: string, signature: string): boolean;
}

/** The signature over a canonical text: of a document, or of the part of it that is fixed. */
export function signatureOver(text: string, key: Signer): Signature {
  return { alg: 'Ed25519', kid: key.kid, value: key.sign(text) };
}

/** Why the signature does not hold over the canonical text, in words; null: it holds. */
export function brokenSeal(signature: Signature, text: string, key: Verifier): string | null {
  if (signature.kid !== key.kid) return `it was signed with the key ${signature.kid}, not with ${key.kid}`;
  return key.verify(text, signature.value) ? null : 'it was changed after it was signed';
}
