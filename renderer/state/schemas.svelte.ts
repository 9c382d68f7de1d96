// Schemas that a person pasted or loaded, to read messages with. Kept in the browser: they are about the person's own
// data, and no cluster knows them.

export type SavedSchema = {
  readonly name: string;
  readonly kind: 'avro' | 'protobuf';
  readonly text: string;
  /** Which message of a .proto file; null is its first, or the one that Confluent's framing names. */
  readonly message: string | null;
};

const storageKey = 'highwater.schemas';
const schemasMax = 100;
export const schemaTextMax = 262_144;

export class Schemas {
  list = $state.raw<readonly SavedSchema[]>(read());

  /** Takes the place of one of the same name. */
  save(schema: SavedSchema): void {
    this.#keep([...this.list.filter((one) => one.name !== schema.name), schema].slice(-schemasMax));
  }

  remove(name: string): void {
    this.#keep(this.list.filter((one) => one.name !== name));
  }

  #keep(list: readonly SavedSchema[]): void {
    this.list = list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    try {
      localStorage.setItem(storageKey, JSON.stringify(this.list));
    } catch {
      // Forbidden or full storage: the schemas last as long as the page.
    }
  }
}

function read(): readonly SavedSchema[] {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return Array.isArray(saved) ? saved.filter(isSchema) : [];
  } catch {
    // Storage may be forbidden or hold something else.
    return [];
  }
}

function isSchema(value: unknown): value is SavedSchema {
  if (typeof value !== 'object' || value === null) return false;
  const { name, kind, text, message } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    (kind === 'avro' || kind === 'protobuf') &&
    typeof text === 'string' &&
    (message === null || typeof message === 'string')
  );
}
