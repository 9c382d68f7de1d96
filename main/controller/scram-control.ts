// AlterUserScramCredentials (KIP-554), as Kafka's ScramControlManager decides it: each user succeeds or fails as a
// whole, and may stand in a request once. Only keys are written, never what a password could be guessed from faster.

import {
  scramIterationsMax,
  scramMechanismOfType,
  serverKeyOf,
  storedKeyOf,
  type ScramMechanism,
} from '../net/sasl/scram-keys.ts';
import { scramKey } from '../metadata/settings-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../protocol/messages/alter-user-scram-credentials.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { ApiError, attempt, refuseTooManyRecords, type ControllerView, type Decision } from './decision.ts';

type Upsertion = AlterUserScramCredentialsRequest['upsertions'][number];
type Deletion = AlterUserScramCredentialsRequest['deletions'][number];
type Result = AlterUserScramCredentialsResponse['results'][number];

/** 3.5-IV2: brokers before it don't know the records. */
const metadataVersionMin = 11;

export function alterUserScramCredentials(
  { image }: ControllerView,
  request: AlterUserScramCredentialsRequest,
): Decision<AlterUserScramCredentialsResponse> {
  const isSupported = (image.features.metadataVersion ?? 0) >= metadataVersionMin;
  const outcomes = new Map<string, Result & { readonly record: MetadataRecord | null }>();
  const alter = (user: string, decide: () => MetadataRecord): void => {
    const before = outcomes.get(user);
    // The first thing that is wrong with a user is the one that is told.
    if (before !== undefined && before.errorCode !== ErrorCode.NONE) return;
    let record: MetadataRecord | null = null;
    const error = attempt(() => {
      if (before !== undefined) {
        const message = 'A user credential cannot be altered twice in the same request';
        throw new ApiError(ErrorCode.DUPLICATE_RESOURCE, message);
      }
      if (!isSupported) {
        throw new ApiError(ErrorCode.UNSUPPORTED_VERSION, 'The current metadata.version does not support SCRAM');
      }
      record = decide();
    });
    outcomes.set(user, { user, ...error, record });
  };
  for (const deletion of request.deletions) alter(deletion.name, () => removal(deletion, image.scram));
  for (const upsertion of request.upsertions) alter(upsertion.name, () => credential(upsertion));
  const records = [...outcomes.values()].flatMap(({ record }) => (record === null ? [] : [record]));
  refuseTooManyRecords(records.length);
  const results = [...outcomes.values()].map(({ user, errorCode, errorMessage }) => ({
    user,
    errorCode,
    errorMessage,
  }));
  return { records, response: { throttleTimeMs: 0, results } };
}

function removal({ name, mechanism }: Deletion, existing: ReadonlyMap<string, unknown>): MetadataRecord {
  mechanismFor(name, mechanism);
  if (!existing.has(scramKey(mechanism, name))) {
    throw new ApiError(ErrorCode.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist');
  }
  return { name: 'RemoveUserScramCredentialRecord', version: 0, value: { name, mechanism } };
}

function credential({ name, mechanism, iterations, salt, saltedPassword }: Upsertion): MetadataRecord {
  const known = mechanismFor(name, mechanism);
  if (iterations < known.iterationsMin) throw unacceptable('Too few iterations');
  if (iterations > scramIterationsMax) throw unacceptable('Too many iterations');
  const value = {
    name,
    mechanism,
    salt: Buffer.from(salt),
    storedKey: storedKeyOf(known, saltedPassword),
    serverKey: serverKeyOf(known, saltedPassword),
    iterations,
  };
  return { name: 'UserScramCredentialRecord', version: 0, value };
}

function mechanismFor(user: string, type: number): ScramMechanism {
  if (user === '') throw unacceptable('Username must not be empty');
  const mechanism = scramMechanismOfType(type);
  if (mechanism === null) throw new ApiError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
  return mechanism;
}

function unacceptable(message: string): ApiError {
  return new ApiError(ErrorCode.UNACCEPTABLE_CREDENTIAL, message);
}
