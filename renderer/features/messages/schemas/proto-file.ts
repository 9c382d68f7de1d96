// A .proto file (proto2 or proto3) as far as reading messages needs it: messages, enums, their nesting. Services,
// options and reserved ranges are passed over; imports must be pasted along, except the well-known types. Pure.

import { SchemaProblem } from './byte-reader.ts';

export type ProtoField = {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly repeated: boolean;
  /** The value's type of a map, whose key's type is `mapKey`. */
  readonly mapKey: string | null;
};
export type ProtoMessage = {
  readonly name: string;
  readonly fields: ReadonlyMap<number, ProtoField>;
  /** In the order of the file: Confluent's framing names messages by their places. */
  readonly nested: readonly string[];
};
export type ProtoFile = {
  /** By full name. */
  readonly messages: ReadonlyMap<string, ProtoMessage>;
  readonly enums: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** Full names of the outermost messages, in the order of the file. */
  readonly roots: readonly string[];
};

const tokenPattern =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+-]+|[{}[\]()<>=;,:])/y;

export function parseProto(text: string): ProtoFile {
  return new Parser(tokensOf(text)).file();
}

type Token = { readonly text: string; readonly line: number };

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const begin = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (match === null) throw new SchemaProblem(`line ${line}: "${text[begin]}" is not expected here`);
    if (match[1] !== undefined) tokens.push({ text: match[1], line });
    line += match[0].split('\n').length - 1;
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #messages = new Map<string, ProtoMessage>();
  readonly #enums = new Map<string, ReadonlyMap<number, string>>();
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  file(): ProtoFile {
    const roots: string[] = [];
    let space = '';
    while (this.#at < this.#tokens.length) {
      const word = this.#next();
      if (word === 'package') {
        space = this.#next();
        this.#expect(';');
      } else if (word === 'message') roots.push(this.#message(space));
      else if (word === 'enum') this.#enum(space);
      else this.#skipStatement(word);
    }
    if (roots.length === 0) throw new SchemaProblem('there is no message in this file');
    return { messages: this.#messages, enums: this.#enums, roots };
  }

  #message(space: string): string {
    const name = join(space, this.#next());
    const fields = new Map<number, ProtoField>();
    const nested: string[] = [];
    this.#expect('{');
    this.#body(name, fields, nested);
    this.#messages.set(name, { name, fields, nested });
    return name;
  }

  #body(name: string, fields: Map<number, ProtoField>, nested: string[]): void {
    for (;;) {
      const word = this.#next();
      if (word === '}') return;
      if (word === 'message') nested.push(this.#message(name));
      else if (word === 'enum') this.#enum(name);
      else if (word === 'oneof') {
        this.#next();
        this.#expect('{');
        this.#body(name, fields, nested);
      } else if (['option', 'reserved', 'extensions', 'extend', ';'].includes(word)) this.#skipStatement(word);
      else {
        const field = this.#field(word);
        fields.set(field.number, field);
      }
    }
  }

  #field(first: string): ProtoField {
    let repeated = false;
    let type = first;
    if (['optional', 'required', 'repeated'].includes(first)) {
      repeated = first === 'repeated';
      type = this.#next();
    }
    let mapKey: string | null = null;
    if (type === 'map' && this.#peek() === '<') {
      this.#expect('<');
      mapKey = this.#next();
      this.#expect(',');
      type = this.#next();
      this.#expect('>');
    }
    if (type === 'group') throw this.#problem('groups are not read here');
    const name = this.#next();
    this.#expect('=');
    const number = Number(this.#next());
    if (!Number.isInteger(number) || number < 1) throw this.#problem(`field ${name} has no number`);
    while (this.#next() !== ';') {
      // Options of the field, in brackets.
    }
    return { name, number, type, repeated, mapKey };
  }

  #enum(space: string): void {
    const name = join(space, this.#next());
    const values = new Map<number, string>();
    this.#expect('{');
    for (;;) {
      const word = this.#next();
      if (word === '}') break;
      if (['option', 'reserved', ';'].includes(word)) {
        this.#skipStatement(word);
        continue;
      }
      this.#expect('=');
      const number = Number(this.#next());
      // The first name of a number is the one that is shown.
      if (!values.has(number)) values.set(number, word);
      while (this.#next() !== ';') {
        // Options of the value.
      }
    }
    this.#enums.set(name, values);
  }

  /** To the end of a statement, over blocks in it. */
  #skipStatement(first: string): void {
    let depth = 0;
    for (let word = first; ; word = this.#next()) {
      if (word === '{') depth += 1;
      if (word === '}') depth -= 1;
      if (depth === 0 && (word === ';' || word === '}')) return;
    }
  }

  #peek(): string {
    return this.#tokens[this.#at]?.text ?? '';
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.#problem('the file ends in the middle of a definition');
    return token.text;
  }

  #expect(wanted: string): void {
    const found = this.#next();
    if (found !== wanted) throw this.#problem(`"${wanted}" is expected, not "${found}"`);
  }

  #problem(message: string): SchemaProblem {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length) - 1];
    return new SchemaProblem(`line ${token?.line ?? 1}: ${message}`);
  }
}

function join(space: string, name: string): string {
  return space === '' ? name : `${space}.${name}`;
}
