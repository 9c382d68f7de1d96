// Kafka's uuids: 16 bytes, printed as 22 characters of url-safe base64.

export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';

const uuidBytes = 16;
const reservedCount = 100;

export function uuidFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== uuidBytes) throw new RangeError(`a uuid has ${uuidBytes} bytes, not ${bytes.length}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export function uuidToBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== uuidBytes) throw new RangeError(`not a uuid: ${JSON.stringify(text)}`);
  return bytes;
}

/** Whether the text is a uuid as Kafka prints it. */
export function isUuid(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text);
}

/** The first 100 ids are reserved by Kafka for special meanings. */
export function isReservedUuid(text: string): boolean {
  const bytes = uuidToBytes(text);
  return (
    bytes.subarray(0, uuidBytes - 1).every((byte) => byte === 0) && (bytes[uuidBytes - 1] as number) < reservedCount
  );
}

/**
 * A version 4 uuid. Like Kafka, never one of the reserved ids and never one that prints with a leading dash,
 * which command lines would take for an option.
 */
export function randomUuid(random: { bytes(count: number): Uint8Array }): string {
  for (;;) {
    const bytes = Uint8Array.from(random.bytes(uuidBytes));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const text = uuidFromBytes(bytes);
    if (!text.startsWith('-')) return text;
  }
}

/** `Uuid.hashCode` of Kafka's clients: both halves folded to 32 bits. */
export function uuidHash(text: string): number {
  const bytes = uuidToBytes(text);
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12);
}
