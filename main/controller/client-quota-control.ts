// AlterClientQuotas: quotas of users, client ids and addresses (KIP-13, 546, 612). Pure; each entity succeeds or
// fails as a whole, with Kafka's messages.

import { ErrorCode } from '../protocol/errors.ts';
import type { AlterClientQuotasRequest, AlterClientQuotasResponse } from '../protocol/messages/alter-client-quotas.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { quotaKey, type QuotaEntity } from '../metadata/settings-image.ts';
import { ApiError, attempt, type ControllerView, type Decision, refuseTooManyRecords } from './decision.ts';

type Entry = AlterClientQuotasRequest['entries'][number];

type QuotaType = 'INT' | 'LONG' | 'DOUBLE';

const clientKeys: Readonly<Record<string, QuotaType>> = {
  consumer_byte_rate: 'LONG',
  controller_mutation_rate: 'DOUBLE',
  producer_byte_rate: 'LONG',
  request_percentage: 'DOUBLE',
};
const addressKeys: Readonly<Record<string, QuotaType>> = { connection_creation_rate: 'INT' };

/** What exceeds a whole number by no more is taken for one; as in Kafka. */
const fractionMax = 1e-6;
const intMax = 2_147_483_647;
const longMax = 2 ** 63;

export function alterClientQuotas(
  { image }: ControllerView,
  request: AlterClientQuotasRequest,
): Decision<AlterClientQuotasResponse> {
  const records: MetadataRecord[] = [];
  const seen = new Set<string>();
  const entries = request.entries.map((entry) => {
    const error = attempt(() => {
      const key = quotaKey(entry.entity);
      if (seen.has(key)) throw invalid('Duplicate client quota entity in request');
      seen.add(key);
      records.push(...changes(entry, image.clientQuotas.get(key)?.quotas ?? new Map()));
    });
    return { ...error, entity: entry.entity };
  });
  refuseTooManyRecords(records.length);
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, entries } };
}

function changes({ entity, ops }: Entry, before: ReadonlyMap<string, number>): MetadataRecord[] {
  const types = typesFor(entity);
  return ops.flatMap(({ key, value, remove }): MetadataRecord[] => {
    // What isn't there is removed without a word, whatever its name.
    if (remove) return before.has(key) ? [quotaRecord(entity, key, 0, true)] : [];
    const type = types[key];
    if (type === undefined) throw invalid(`Invalid configuration key ${key}`);
    checkValue(key, type, value);
    return before.get(key) === value ? [] : [quotaRecord(entity, key, value, false)];
  });
}

function quotaRecord(entity: QuotaEntity, key: string, value: number, remove: boolean): MetadataRecord {
  return { name: 'ClientQuotaRecord', version: 0, value: { entity, key, value, remove } };
}

function typesFor(entity: QuotaEntity): Readonly<Record<string, QuotaType>> {
  if (entity.length === 0) throw invalid('Invalid empty client quota entity');
  const types = new Set<string>();
  for (const { entityType, entityName } of entity) {
    if (entityType !== 'user' && entityType !== 'client-id' && entityType !== 'ip') {
      throw invalid(`Unhandled client quota entity type: ${entityType}`);
    }
    if (types.has(entityType)) throw invalid(`Invalid client quota entity, duplicate entity entry ${entityType}`);
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`);
    types.add(entityType);
  }
  if (!types.has('ip')) return clientKeys;
  if (types.size > 1)
    throw invalid('Invalid quota entity combination, IP entity should not be combined with User or ClientId');
  const address = entity[0]?.entityName ?? null;
  if (address !== null && !/^[0-9a-fA-F.:]+$|^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(address)) {
    throw invalid(`${address} is not a valid IP or resolvable host.`);
  }
  return addressKeys;
}

function checkValue(key: string, type: QuotaType, value: number): void {
  if (!Number.isFinite(value) || value <= 0) throw invalid(`Quota ${key} must be greater than 0`);
  if (type === 'DOUBLE') return;
  const most = type === 'INT' ? intMax : longMax;
  if (value > most) throw invalid(`Proposed value for ${key} is too large for a${type === 'INT' ? 'n INT' : ' LONG'}.`);
  if (Math.abs(value % 1) > fractionMax) throw invalid(`${key} cannot be a fractional value.`);
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message);
}
