// Records of Kafka's own topics as JSON, by the schemas that coordinators write them with. Pure.

import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/messages/embedded-messages.ts';
import { groupCoordinatorRecords } from '../../protocol/messages/group-coordinator-records.ts';
import { transactionCoordinatorRecords } from '../../protocol/messages/transaction-coordinator-records.ts';
import { WireReader } from '../../protocol/wire-reader.ts';
import type { StoredRecord } from '../../records/record.ts';

type Readable = { readonly key: string | null; readonly value: string | null };

/** null for topics that are not Kafka's own, and for what none of its schemas fits. */
export function internalRecord(topic: string, record: StoredRecord): Readable | null {
  const family =
    topic === '__consumer_offsets'
      ? groupCoordinatorRecords
      : topic === '__transaction_state'
        ? transactionCoordinatorRecords
        : null;
  if (family === null || record.key === null) return null;
  try {
    const read = family.decode(record.key, record.value);
    if (read === null) return null;
    return {
      key: JSON.stringify({ type: read.name, ...read.key }, plain),
      value: read.value === null ? null : JSON.stringify({ version: read.valueVersion, ...read.value }, plain),
    };
  } catch {
    // Anybody may write to these topics; such bytes are shown as they are.
    return null;
  }
}

/** Called by JSON.stringify with `this` as the holder, whose own value is still the bytes. */
function plain(this: unknown, name: string, value: unknown): unknown {
  const own = (this as Readonly<Record<string, unknown>>)[name];
  if (Buffer.isBuffer(own)) return member(name, own);
  return typeof value === 'bigint' ? value.toString() : value;
}

/** What classic members hand around; other protocols than the consumer's stay bytes. */
function member(name: string, bytes: Buffer): unknown {
  const schema =
    name === 'subscription' ? consumerProtocolSubscription : name === 'assignment' ? consumerProtocolAssignment : null;
  try {
    if (schema !== null && bytes.length > 2) {
      const reader = new WireReader(bytes);
      return schema.decode(reader, reader.int16());
    }
  } catch {
    // Another protocol's bytes.
  }
  return bytes.toString('base64');
}
