// Ids that the coordinator gives to members: who they are in words, and a random uuid.

import type { Random } from '../../runtime/runtime.ts';

/** `prefix-xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx` */
export function newMemberId(prefix: string, random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `${prefix}-${parts.join('-')}`;
}
