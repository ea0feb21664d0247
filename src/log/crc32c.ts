/** CRC-32C (Castagnoli), the checksum of Kafka's record batches, eight bytes a step: Node has only the other CRC-32. */

/** The reversed polynomial. */
const POLYNOMIAL = 0x82f63b78;
const TABLES = makeTables();

/** Of the bytes from `start` to the end, as an unsigned number of 32 bits. */
export function crc32c(bytes: Uint8Array, start = 0): number {
  const t = TABLES;
  const whole = start + ((bytes.length - start) & ~7);
  let crc = ~0;
  let at = start;
  for (; at < whole; at += 8) {
    const low = crc ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    crc =
      t[1792 + (low & 0xff)] ^
      t[1536 + ((low >>> 8) & 0xff)] ^
      t[1280 + ((low >>> 16) & 0xff)] ^
      t[1024 + (low >>> 24)] ^
      t[768 + bytes[at + 4]] ^
      t[512 + bytes[at + 5]] ^
      t[256 + bytes[at + 6]] ^
      t[bytes[at + 7]];
  }
  for (; at < bytes.length; at += 1) crc = t[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Table k holds, for each byte, its remainder with k zero bytes behind it. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const before = tables[at - 256];
    tables[at] = tables[before & 0xff] ^ (before >>> 8);
  }
  return tables;
}
