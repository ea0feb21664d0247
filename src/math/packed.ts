/**
 * Room math/: typed arrays as base64 text, bit for bit, for models and snapshots in JSON. Pure. The bytes are those of
 * memory, little-endian on every platform that Node supports but s390x.
 */

type NumberArray = Float64Array | Int32Array | Int16Array;

/** A typed array as base64, bit for bit. */
export function pack(array: NumberArray): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
}

/** Fills `array` from packed text; false, and nothing written, where the text does not have exactly its bytes. */
export function unpack(text: unknown, array: NumberArray): boolean {
  if (typeof text !== 'string' || text.length !== 4 * Math.ceil(array.byteLength / 3)) return false;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.byteLength !== array.byteLength) return false;
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
  return true;
}
