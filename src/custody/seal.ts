/**
 * A document with its signature in it: Ed25519 (RFC 8032) over the canonical form (RFC 8785) of the document without
 * the signature. The key is named by its thumbprint (RFC 7638).
 */
import { canonical } from './jcs.js';

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

/** The document with a signature over `signed`: all of it, or of a form to be filled in the part that is fixed. */
export function seal<T extends object>(
  document: T,
  signed: object,
  key: Signer,
): T & { readonly signature: Signature } {
  return { ...document, signature: { alg: 'Ed25519', kid: key.kid, value: key.sign(canonical(signed)) } };
}

/** Why the signature does not hold, in words; null: it holds. */
export function brokenSeal(signature: Signature, signed: object, key: Verifier): string | null {
  if (signature.kid !== key.kid) return `it was signed with the key ${signature.kid}, not with ${key.kid}`;
  return key.verify(canonical(signed), signature.value) ? null : 'it was changed after it was signed';
}
