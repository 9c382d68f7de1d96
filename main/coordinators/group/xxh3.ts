// XXH3, 64 bits, seed 0: the hash by which Kafka notices that the topics of a group have changed. Written to the log,
// so that it has to be this one. Slow (bigint) and seldom needed.

const mask = (1n << 64n) - 1n;
const prime32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const prime64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const mixPrime = 0x165667919e3779f9n;
const longMixPrime = 0x9fb21c651e98df25n;

const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e' +
    'e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d' +
    '8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc' +
    '8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

const stripeBytes = 64;
const stripesPerBlock = 16;
/** Where in the secret the last stripe begins to read, and where the final merge does. */
const lastStripeSecret = 192 - 64 - 7;
const mergeSecret = 11;

export function xxh3(input: Buffer): bigint {
  const { length } = input;
  if (length <= 16) return upTo16(input);
  if (length <= 128) return upTo128(input);
  if (length <= 240) return upTo240(input);
  return long(input);
}

function u64(buffer: Buffer, at: number): bigint {
  return buffer.readBigUInt64LE(at);
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) & mask;
}

/** The product in 128 bits, its halves folded into one. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & mask) ^ (product >> 64n);
}

function avalanche(hash: bigint): bigint {
  const mixed = times(hash ^ (hash >> 37n), mixPrime);
  return mixed ^ (mixed >> 32n);
}

function avalanche64(hash: bigint): bigint {
  let mixed = times(hash ^ (hash >> 33n), prime64[1]);
  mixed = times(mixed ^ (mixed >> 29n), prime64[2]);
  return mixed ^ (mixed >> 32n);
}

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & mask;
}

function swapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function upTo16(input: Buffer): bigint {
  const { length } = input;
  if (length === 0) return avalanche64(u64(secret, 56) ^ u64(secret, 64));
  if (length < 4) {
    const first = input[0] ?? 0;
    const middle = input[length >> 1] ?? 0;
    const last = input[length - 1] ?? 0;
    const combined = BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0);
    return avalanche64(combined ^ BigInt((secret.readUInt32LE(0) ^ secret.readUInt32LE(4)) >>> 0));
  }
  if (length <= 8) {
    const low = BigInt(input.readUInt32LE(0));
    const high = BigInt(input.readUInt32LE(length - 4));
    let hash = (high + (low << 32n)) ^ (u64(secret, 8) ^ u64(secret, 16));
    hash ^= rotate(hash, 49n) ^ rotate(hash, 24n);
    hash = times(hash, longMixPrime);
    hash ^= (hash >> 35n) + BigInt(length);
    hash = times(hash, longMixPrime);
    return hash ^ (hash >> 28n);
  }
  const low = u64(input, 0) ^ (u64(secret, 24) ^ u64(secret, 32));
  const high = u64(input, length - 8) ^ (u64(secret, 40) ^ u64(secret, 48));
  return avalanche((BigInt(length) + swapped(low) + high + fold(low, high)) & mask);
}

function mix16(input: Buffer, at: number, secretAt: number): bigint {
  return fold(u64(input, at) ^ u64(secret, secretAt), u64(input, at + 8) ^ u64(secret, secretAt + 8));
}

function upTo128(input: Buffer): bigint {
  const { length } = input;
  let sum = times(BigInt(length), prime64[0]);
  for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
    sum += mix16(input, pair * 16, pair * 32) + mix16(input, length - 16 * (pair + 1), pair * 32 + 16);
  }
  return avalanche(sum & mask);
}

function upTo240(input: Buffer): bigint {
  const { length } = input;
  let sum = times(BigInt(length), prime64[0]);
  const rounds = length >> 4;
  for (let round = 0; round < 8; round++) sum += mix16(input, 16 * round, 16 * round);
  sum = avalanche(sum & mask);
  for (let round = 8; round < rounds; round++) sum += mix16(input, 16 * round, 16 * (round - 8) + 3);
  return avalanche((sum + mix16(input, length - 16, 136 - 17)) & mask);
}

function long(input: Buffer): bigint {
  const sums = [prime32[2], prime64[0], prime64[1], prime64[2], prime64[3], prime32[1], prime64[4], prime32[0]];
  const { length } = input;
  const stripeCount = Math.floor((length - 1) / stripeBytes);
  for (let stripe = 0; stripe < stripeCount; stripe++) {
    const inBlock = stripe % stripesPerBlock;
    accumulate(sums, input, stripe * stripeBytes, inBlock * 8);
    const isBlockFull = inBlock === stripesPerBlock - 1;
    if (isBlockFull) scramble(sums);
  }
  accumulate(sums, input, length - stripeBytes, lastStripeSecret);
  let hash = times(BigInt(length), prime64[0]);
  for (let pair = 0; pair < 4; pair++) {
    const at = mergeSecret + 16 * pair;
    hash += fold((sums[2 * pair] ?? 0n) ^ u64(secret, at), (sums[2 * pair + 1] ?? 0n) ^ u64(secret, at + 8));
  }
  return avalanche(hash & mask);
}

function accumulate(sums: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < 8; lane++) {
    const value = u64(input, at + 8 * lane);
    const keyed = value ^ u64(secret, secretAt + 8 * lane);
    sums[lane ^ 1] = ((sums[lane ^ 1] ?? 0n) + value) & mask;
    sums[lane] = ((sums[lane] ?? 0n) + (keyed & 0xffffffffn) * (keyed >> 32n)) & mask;
  }
}

function scramble(sums: bigint[]): void {
  for (let lane = 0; lane < 8; lane++) {
    const sum = sums[lane] ?? 0n;
    sums[lane] = times(sum ^ (sum >> 47n) ^ u64(secret, 128 + 8 * lane), prime32[0]);
  }
}
