// The arithmetic of SCRAM (RFC 5802, RFC 7677) as Kafka's ScramFormatter does it: keys from passwords, proofs and
// signatures from keys. Pure: the same bytes give the same bytes; salts and nonces come from whoever calls.

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

export type ScramMechanism = {
  /** As SaslHandshake names it. */
  readonly name: string;
  /** As the metadata log and the admin APIs number it. */
  readonly type: number;
  /** As Node names its hash. */
  readonly hash: 'sha256' | 'sha512';
  readonly iterationsMin: number;
};

export const scramMechanisms: readonly ScramMechanism[] = [
  { name: 'SCRAM-SHA-256', type: 1, hash: 'sha256', iterationsMin: 4096 },
  { name: 'SCRAM-SHA-512', type: 2, hash: 'sha512', iterationsMin: 4096 },
];

export function scramMechanismOfType(type: number): ScramMechanism | null {
  return scramMechanisms.find((each) => each.type === type) ?? null;
}

export function scramMechanismNamed(name: string): ScramMechanism | null {
  return scramMechanisms.find((each) => each.name === name) ?? null;
}

/** Kafka's ScramControlManager takes no more. */
export const scramIterationsMax = 16_384;

/** What a server keeps of a password: enough to check a proof of it, too little to make one. */
export type ScramCredential = {
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  readonly iterations: number;
};

export function hmac({ hash }: ScramMechanism, key: Uint8Array, text: string): Buffer {
  return createHmac(hash, key).update(text, 'utf8').digest();
}

function digest({ hash }: ScramMechanism, bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest();
}

/** What a client computes of a password, and an administrator sends: the password itself never travels. */
export function saltedPassword(
  { hash }: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Buffer {
  const keyBytes = hash === 'sha256' ? 32 : 64;
  return pbkdf2Sync(Buffer.from(password, 'utf8'), salt, iterations, keyBytes, hash);
}

export function storedKeyOf(mechanism: ScramMechanism, salted: Uint8Array): Buffer {
  return digest(mechanism, hmac(mechanism, salted, 'Client Key'));
}

export function serverKeyOf(mechanism: ScramMechanism, salted: Uint8Array): Buffer {
  return hmac(mechanism, salted, 'Server Key');
}

/** The stored key that a client's proof stands for: equal to the one kept only if the client knows the password. */
export function storedKeyOfProof(mechanism: ScramMechanism, clientSignature: Buffer, proof: Buffer): Buffer | null {
  if (proof.length !== clientSignature.length) return null;
  return digest(mechanism, xor(clientSignature, proof));
}

function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, index) => byte ^ (other[index] ?? 0)));
}

/** Takes as long whether they differ early or late: an answer's time must not tell how much of a secret was right. */
export function isSameSecret(one: Uint8Array, other: Uint8Array): boolean {
  const [first, second] = [one, other].map((each) => createHash('sha256').update(each).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}
