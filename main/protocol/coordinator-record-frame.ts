// How coordinators keep records in their topics: key = int16 type + body (always version 0), value = int16
// version + body, or null for a tombstone. The families themselves: messages/*-coordinator-records.ts.

import { ProtocolError } from './protocol-error.ts';
import type { RecordMessage, Writable } from './schema.ts';
import { WireReader, type WireReaderOptions } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** What every family's record looks like. */
export type CoordinatorRecordShape = {
  readonly name: string;
  readonly key: object;
  readonly valueVersion: number;
  readonly value: object | null;
};

/** The same, to be written: fields may be left out. */
export type WritableCoordinatorRecord<R extends CoordinatorRecordShape> = R extends CoordinatorRecordShape
  ? {
      readonly name: R['name'];
      readonly key: Writable<R['key']>;
      /** −1 with a null value. */
      readonly valueVersion: number;
      readonly value: Writable<R['value']>;
    }
  : never;

export type CoordinatorRecordType = {
  readonly name: string;
  readonly key: RecordMessage<unknown>;
  readonly value: RecordMessage<unknown>;
};

export type KeyAndValue = { readonly key: Buffer; readonly value: Buffer | null };

const keyVersion = 0;

export class CoordinatorRecordFamily<R extends CoordinatorRecordShape> {
  readonly types: readonly CoordinatorRecordType[];
  readonly #byNumber: ReadonlyMap<number, CoordinatorRecordType>;
  readonly #byName: ReadonlyMap<string, CoordinatorRecordType>;

  constructor(types: readonly CoordinatorRecordType[]) {
    this.types = types;
    this.#byNumber = new Map(types.map((type) => [type.key.key, type]));
    this.#byName = new Map(types.map((type) => [type.name, type]));
  }

  /** Null for a record type that this version does not know: Kafka skips those. Throws ProtocolError on bad bytes. */
  decode(key: Buffer, value: Buffer | null, options?: WireReaderOptions): R | null {
    const keyReader = new WireReader(key, options);
    const type = this.#byNumber.get(keyReader.int16());
    if (type === undefined) return null;
    const decodedKey = type.key.decode(keyReader, keyVersion);
    if (value === null) {
      return { name: type.name, key: decodedKey, valueVersion: -1, value: null } as unknown as R;
    }
    const valueReader = new WireReader(value, options);
    const valueVersion = valueReader.int16();
    const decodedValue = type.value.decode(valueReader, valueVersion);
    return { name: type.name, key: decodedKey, valueVersion, value: decodedValue } as unknown as R;
  }

  encode(record: WritableCoordinatorRecord<R>): KeyAndValue {
    const type = this.#byName.get(record.name);
    if (type === undefined) throw new ProtocolError(`there is no coordinator record ${record.name}`);
    const keyWriter = new WireWriter();
    keyWriter.int16(type.key.key);
    type.key.encode(keyWriter, keyVersion, record.key);
    if (record.value === null) return { key: keyWriter.toBuffer(), value: null };
    const valueWriter = new WireWriter();
    valueWriter.int16(record.valueVersion);
    type.value.encode(valueWriter, record.valueVersion, record.value);
    return { key: keyWriter.toBuffer(), value: valueWriter.toBuffer() };
  }
}
