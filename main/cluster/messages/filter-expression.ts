// The expressions that messages are filtered by: `value.amount > 100 and key startsWith "eu-"`. A small language of its
// own, since a page under a strict content security policy has no eval, and an engine should not want one. Pure.
//
//   or, and, not · == != < <= > >= · contains startsWith endsWith matches in · + - * / % · ( ) [ , ]
//   key value headers offset partition timestamp size · value.a.b[0] · headers["trace-id"] · exists(x) length(x) lower(x)

import { compileTopicRegex, InvalidRegex, type TopicRegex } from '../../core/topic-regex.ts';

export type FilterScope = {
  readonly key: unknown;
  /** Parsed when it is JSON, else the text. */
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly offset: number;
  readonly partition: number;
  readonly timestamp: number;
  /** Bytes of key and value together. */
  readonly size: number;
};

/** Throws FilterError when a record has not what is asked of it. */
export type Filter = (scope: FilterScope) => boolean;

export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

type Token = {
  readonly kind: 'number' | 'string' | 'word' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
};
type Evaluate = (scope: FilterScope) => unknown;

export const expressionLengthMax = 2000;
const depthMax = 64;
/** A regular expression looks at this much of a text at most: time is linear in it, for every record. */
const matchedLengthMax = 4096;
const scopeNames = ['key', 'value', 'headers', 'offset', 'partition', 'timestamp', 'size'] as const;
const tokenPattern =
  /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_$][\w$]*)|(==|!=|<=|>=|&&|\|\||[-+*/%<>()[\].,!]))/y;

/** Throws FilterError naming the place when the text is no expression. */
export function compileFilter(text: string): Filter {
  if (text.length > expressionLengthMax) throw new FilterError(`longer than ${expressionLengthMax} characters`, 0);
  const evaluate = new Parser(tokensOf(text)).whole();
  return (scope) => truthy(evaluate(scope));
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(text);
    const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    if (match === null) throw new FilterError(`${JSON.stringify(text[start])} means nothing here`, start);
    const [, number, string, word, sign] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number, at: start });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string), at: start });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, at: start });
    else tokens.push({ kind: 'sign', text: sign ?? '', at: start });
    at = tokenPattern.lastIndex;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Evaluate {
    const evaluate = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw new FilterError(`${JSON.stringify(rest.text)} is not expected here`, rest.at);
    return evaluate;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: 0 };
  }

  #take(...texts: readonly string[]): string | null {
    const token = this.#peek();
    if (token.kind !== 'sign' && token.kind !== 'word') return null;
    if (!texts.includes(token.text)) return null;
    this.#next += 1;
    return token.text;
  }

  #expect(text: string): void {
    if (this.#take(text) !== null) return;
    const token = this.#peek();
    throw new FilterError(`${JSON.stringify(text)} is missing`, token.at);
  }

  #or(): Evaluate {
    if (++this.#depth > depthMax) throw new FilterError('nested too deep', this.#peek().at);
    let left = this.#and();
    while (this.#take('or', '||') !== null) {
      const [one, other] = [left, this.#and()];
      left = (scope) => truthy(one(scope)) || truthy(other(scope));
    }
    this.#depth -= 1;
    return left;
  }

  #and(): Evaluate {
    let left = this.#not();
    while (this.#take('and', '&&') !== null) {
      const [one, other] = [left, this.#not()];
      left = (scope) => truthy(one(scope)) && truthy(other(scope));
    }
    return left;
  }

  #not(): Evaluate {
    let negations = 0;
    while (this.#take('not', '!') !== null) negations += 1;
    const inner = this.#comparison();
    if (negations === 0) return inner;
    return (scope) => truthy(inner(scope)) === (negations % 2 === 0);
  }

  #comparison(): Evaluate {
    const left = this.#sum();
    const operator = this.#take(
      '==',
      '!=',
      '<',
      '<=',
      '>',
      '>=',
      'contains',
      'startsWith',
      'endsWith',
      'matches',
      'in',
    );
    if (operator === null) return left;
    if (operator === 'matches') return this.#matches(left);
    if (operator === 'in') return this.#in(left);
    const right = this.#sum();
    const compare = comparisons[operator];
    if (compare === undefined) throw new FilterError(`unknown operator ${operator}`, this.#peek().at);
    return (scope) => compare(left(scope), right(scope));
  }

  #matches(left: Evaluate): Evaluate {
    const token = this.#peek();
    if (token.kind !== 'string') throw new FilterError('matches needs a regular expression in quotes', token.at);
    this.#next += 1;
    const pattern = compiledPattern(token);
    return (scope) => {
      const value = left(scope);
      return value !== undefined && value !== null && pattern.matches(textOf(value).slice(0, matchedLengthMax));
    };
  }

  #in(left: Evaluate): Evaluate {
    this.#expect('[');
    const items: Evaluate[] = [];
    if (this.#take(']') === null) {
      do items.push(this.#sum());
      while (this.#take(',') !== null);
      this.#expect(']');
    }
    return (scope) => {
      const value = left(scope);
      return items.some((item) => equal(value, item(scope)));
    };
  }

  #sum(): Evaluate {
    let left = this.#product();
    for (let sign = this.#take('+', '-'); sign !== null; sign = this.#take('+', '-')) {
      const [one, other, plus] = [left, this.#product(), sign === '+'];
      left = (scope) => {
        const [a, b] = [one(scope), other(scope)];
        if (plus && (typeof a === 'string' || typeof b === 'string')) return textOf(a) + textOf(b);
        return plus ? Number(a) + Number(b) : Number(a) - Number(b);
      };
    }
    return left;
  }

  #product(): Evaluate {
    let left = this.#unary();
    for (let sign = this.#take('*', '/', '%'); sign !== null; sign = this.#take('*', '/', '%')) {
      const [one, other, how] = [left, this.#unary(), sign];
      left = (scope) => {
        const [a, b] = [Number(one(scope)), Number(other(scope))];
        return how === '*' ? a * b : how === '/' ? a / b : a % b;
      };
    }
    return left;
  }

  #unary(): Evaluate {
    if (this.#take('-') === null) return this.#path();
    const inner = this.#path();
    return (scope) => -Number(inner(scope));
  }

  #path(): Evaluate {
    let value = this.#primary();
    for (;;) {
      if (this.#take('.') !== null) {
        const token = this.#peek();
        if (token.kind !== 'word') throw new FilterError('a name is missing after the dot', token.at);
        this.#next += 1;
        const [of, name] = [value, token.text];
        value = (scope) => memberOf(of(scope), name);
      } else if (this.#take('[') !== null) {
        const [of, index] = [value, this.#or()];
        this.#expect(']');
        value = (scope) => memberOf(of(scope), index(scope));
      } else return value;
    }
  }

  #primary(): Evaluate {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === 'number') {
      const number = Number(token.text);
      return () => number;
    }
    if (token.kind === 'string') return () => token.text;
    if (token.kind === 'sign' && token.text === '(') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (token.kind === 'word') return this.#word(token);
    throw new FilterError(
      token.kind === 'end' ? 'something is missing at the end' : `${JSON.stringify(token.text)} is not expected here`,
      token.at,
    );
  }

  #word(token: Token): Evaluate {
    const { text } = token;
    if (text === 'true' || text === 'false') return () => text === 'true';
    if (text === 'null') return () => null;
    const call = Object.hasOwn(functions, text) ? functions[text] : undefined;
    if (call !== undefined && this.#take('(') !== null) {
      const argument = this.#or();
      this.#expect(')');
      return (scope) => call(argument(scope));
    }
    const name = scopeNames.find((known) => known === text);
    if (name === undefined) {
      throw new FilterError(`unknown name ${text}; there are ${scopeNames.join(', ')}`, token.at);
    }
    return (scope) => scope[name];
  }
}

/** Matched in linear time, anywhere in the text: JavaScript's own regular expressions can take for ever. */
function compiledPattern(token: Token): TopicRegex {
  try {
    return compileTopicRegex(`(?s:.*)(?:${token.text})(?s:.*)`);
  } catch (error) {
    if (!(error instanceof InvalidRegex)) throw error;
    throw new FilterError(`Invalid regular expression: ${error.message}`, token.at);
  }
}

const functions: Readonly<Record<string, (value: unknown) => unknown>> = {
  exists: (value) => value !== undefined && value !== null,
  length: (value) => (typeof value === 'string' || Array.isArray(value) ? value.length : textOf(value).length),
  lower: (value) => textOf(value).toLowerCase(),
};

const comparisons: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => ordered(a, b, (sign) => sign < 0),
  '<=': (a, b) => ordered(a, b, (sign) => sign <= 0),
  '>': (a, b) => ordered(a, b, (sign) => sign > 0),
  '>=': (a, b) => ordered(a, b, (sign) => sign >= 0),
  contains: (a, b) =>
    Array.isArray(a) ? a.some((item) => equal(item, b)) : present(a) && textOf(a).includes(textOf(b)),
  startsWith: (a, b) => present(a) && textOf(a).startsWith(textOf(b)),
  endsWith: (a, b) => present(a) && textOf(a).endsWith(textOf(b)),
};

/** Nothing equals something missing but null; a number equals a text that reads as it. */
function equal(a: unknown, b: unknown): boolean {
  if (!present(a) || !present(b)) return !present(a) && !present(b);
  if (typeof a === 'number' || typeof b === 'number') return Number(a) === Number(b);
  if (typeof a === 'object' || typeof b === 'object') return JSON.stringify(a) === JSON.stringify(b);
  return a === b;
}

function ordered(a: unknown, b: unknown, holds: (sign: number) => boolean): boolean {
  if (!present(a) || !present(b)) return false;
  if (typeof a === 'string' && typeof b === 'string') return holds(a < b ? -1 : a > b ? 1 : 0);
  const difference = Number(a) - Number(b);
  return !Number.isNaN(difference) && holds(difference);
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function memberOf(value: unknown, name: unknown): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, String(name)) ? (value as Record<string, unknown>)[String(name)] : undefined;
}

function truthy(value: unknown): boolean {
  return Boolean(value);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
