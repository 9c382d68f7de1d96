// Bytes as people read them. Each decoder says why it can't, instead of guessing. Pure.

export const decoderNames = ['auto', 'text', 'json', 'int32', 'int64', 'double', 'uuid', 'hex', 'base64'] as const;
export type DecoderName = (typeof decoderNames)[number];

export const decoderLabels: Readonly<Record<DecoderName, string>> = {
  auto: 'Auto',
  text: 'Text (UTF-8)',
  json: 'JSON',
  int32: 'Integer, 4 bytes',
  int64: 'Long, 8 bytes',
  double: 'Double, 8 bytes',
  uuid: 'UUID, 16 bytes',
  hex: 'Hex',
  base64: 'Base64',
};

export type Decoded = {
  readonly text: string;
  readonly kind: DecoderName;
  /** Why it could not be read as chosen; the text is then the bytes. */
  readonly problem: string | null;
  /** What else the bytes said, as the id of their schema. */
  readonly note?: string | null;
};

export function decode(bytes: Uint8Array, decoder: DecoderName): Decoded {
  switch (decoder) {
    case 'auto':
      return automatic(bytes);
    case 'text':
      return textOf(bytes) === null
        ? failed(bytes, 'no UTF-8 text')
        : { text: textOf(bytes) ?? '', kind: 'text', problem: null };
    case 'json':
      return json(bytes);
    case 'int32':
      return fixed(bytes, 4, 'int32', (view) => String(view.getInt32(0)));
    case 'int64':
      return fixed(bytes, 8, 'int64', (view) => String(view.getBigInt64(0)));
    case 'double':
      return fixed(bytes, 8, 'double', (view) => String(view.getFloat64(0)));
    case 'uuid':
      return fixed(bytes, 16, 'uuid', () =>
        hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      );
    case 'hex':
      return { text: hexOf(bytes), kind: 'hex', problem: null };
    case 'base64':
      return { text: base64Of(bytes), kind: 'base64', problem: null };
  }
}

/** Text where it is text (JSON when it is JSON), a number where its length says so, else hex. */
function automatic(bytes: Uint8Array): Decoded {
  const text = textOf(bytes);
  if (text !== null) {
    const kind = /^\s*[[{]/.test(text) && json(bytes).problem === null ? 'json' : 'text';
    return { text, kind, problem: null };
  }
  if (bytes.length === 4) return decode(bytes, 'int32');
  if (bytes.length === 8) return decode(bytes, 'int64');
  return decode(bytes, 'hex');
}

function json(bytes: Uint8Array): Decoded {
  const text = textOf(bytes);
  if (text === null) return failed(bytes, 'no UTF-8 text');
  try {
    JSON.parse(text);
    return { text, kind: 'json', problem: null };
  } catch (error) {
    return { text, kind: 'text', problem: error instanceof Error ? error.message : 'no JSON' };
  }
}

/** Indented for reading; the text itself when it is no JSON. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Cut previews and plain text stand as they are.
    return text;
  }
}

function fixed(bytes: Uint8Array, length: number, kind: DecoderName, read: (view: DataView) => string): Decoded {
  if (bytes.length !== length) return failed(bytes, `needs ${length} bytes, has ${bytes.length}`);
  return { text: read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length)), kind, problem: null };
}

function failed(bytes: Uint8Array, problem: string): Decoded {
  return { text: hexOf(bytes), kind: 'hex', problem };
}

/** null when the bytes are no text: broken UTF-8, or control characters in it. */
function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export type EncoderName = 'text' | 'hex' | 'base64' | 'int32' | 'int64';

/** Throws with the reason when the text does not fit. */
export function encode(text: string, encoder: EncoderName): Uint8Array {
  switch (encoder) {
    case 'text':
      return new TextEncoder().encode(text);
    case 'hex': {
      const digits = text.replace(/\s|^0x/g, '');
      if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('Hex is pairs of 0–9 and a–f.');
      return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    }
    case 'base64':
      try {
        return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
      } catch {
        throw new Error('This is not Base64.');
      }
    case 'int32':
    case 'int64': {
      if (!/^-?\d+$/.test(text.trim())) throw new Error('A whole number is needed.');
      const bits = encoder === 'int32' ? 32 : 64;
      const value = BigInt(text.trim());
      if (BigInt.asIntN(bits, value) !== value) throw new Error(`It does not fit into ${bits / 8} bytes.`);
      const view = new DataView(new ArrayBuffer(bits / 8));
      if (encoder === 'int32') view.setInt32(0, Number(value));
      else view.setBigInt64(0, value);
      return new Uint8Array(view.buffer);
    }
  }
}
