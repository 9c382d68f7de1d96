// Who gets a key: murmur2 for record keys (Kafka's default partitioner), Java's string hash for coordinators.

/** Java's `String.hashCode`: over UTF-16 units, wrapping at 32 bits. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** Partition of `__consumer_offsets` or `__transaction_state` that a group or transactional id belongs to. */
export function coordinatorPartition(id: string, partitionCount: number): number {
  const hash = javaStringHash(id);
  // Kafka's abs maps the one value without a positive twin to 0.
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount;
}

/** The key by which `__share_group_state` is spread. */
export function shareCoordinatorKey(groupId: string, topicId: string, partition: number): string {
  return `${groupId}:${topicId}:${partition}`;
}

const multiplier = 0x5bd1e995;
const seed = 0x9747b28c;

/** 32-bit murmur2 as Kafka's clients compute it; signed. */
export function murmur2(key: Uint8Array): number {
  const length = key.length;
  let hash = seed ^ length;
  const wholeBytes = length & ~3;
  for (let index = 0; index < wholeBytes; index += 4) {
    let word =
      (key[index] as number) |
      ((key[index + 1] as number) << 8) |
      ((key[index + 2] as number) << 16) |
      ((key[index + 3] as number) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    word = Math.imul(word, multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const tailBytes = length - wholeBytes;
  if (tailBytes === 3) hash ^= (key[wholeBytes + 2] as number) << 16;
  if (tailBytes >= 2) hash ^= (key[wholeBytes + 1] as number) << 8;
  if (tailBytes >= 1) hash = Math.imul(hash ^ (key[wholeBytes] as number), multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** Partition that Kafka's default partitioner gives a record with this key. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
