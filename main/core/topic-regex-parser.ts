// Reads an expression in the syntax of RE2 into a tree. Groups only group: nothing is captured. Greedy and lazy
// repetition are the same, since only whole matches count.

export type CharTest = (character: string) => boolean;

export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly branches: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly part: RegexNode; readonly least: number; readonly most: number | null };

type Flags = { readonly ignoresCase: boolean; readonly dotAll: boolean; readonly multiLine: boolean };

/** RE2's limit. */
const repeatMax = 1000;
/** Nesting; the parser calls itself. */
const depthMax = 250;

const isDigit: CharTest = (c) => c >= '0' && c <= '9';
const isWord: CharTest = (c) => /^[0-9A-Za-z_]$/.test(c);
const isSpace: CharTest = (c) => '\t\n\f\r '.includes(c);

const classes: Readonly<Record<string, CharTest>> = { d: isDigit, w: isWord, s: isSpace };
const posixClasses: Readonly<Record<string, CharTest>> = {
  alnum: (c) => /^[0-9A-Za-z]$/.test(c),
  alpha: (c) => /^[A-Za-z]$/.test(c),
  ascii: (c) => c <= '\x7f',
  blank: (c) => c === ' ' || c === '\t',
  cntrl: (c) => c < ' ' || c === '\x7f',
  digit: isDigit,
  graph: (c) => c > ' ' && c < '\x7f',
  lower: (c) => c >= 'a' && c <= 'z',
  print: (c) => c >= ' ' && c < '\x7f',
  punct: (c) => /^[!-/:-@[-`{-~]$/.test(c),
  space: (c) => isSpace(c) || c === '\v',
  upper: (c) => c >= 'A' && c <= 'Z',
  word: isWord,
  xdigit: (c) => /^[0-9A-Fa-f]$/.test(c),
};
const escapedCharacters: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

export function parseRegex(source: string, error: (message: string) => Error): RegexNode {
  return new Parser(source, error).parse();
}

class Parser {
  readonly #source: string;
  readonly #error: (message: string) => Error;
  #at = 0;
  #depth = 0;
  #flags: Flags = { ignoresCase: false, dotAll: false, multiLine: false };

  constructor(source: string, error: (message: string) => Error) {
    this.#source = source;
    this.#error = error;
  }

  parse(): RegexNode {
    const node = this.#either();
    if (this.#at < this.#source.length) throw this.#error('unexpected )');
    return node;
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #next(): string {
    return this.#source.charAt(this.#at++);
  }

  #either(): RegexNode {
    if (++this.#depth > depthMax) throw this.#error('expression nests too deeply');
    const flags = this.#flags;
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    this.#flags = flags;
    this.#depth--;
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : { kind: 'either', branches };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.#at < this.#source.length && !this.#peek('|') && !this.#peek(')')) {
      const atom = this.#atom();
      if (atom !== null) parts.push(this.#repeated(atom));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(atom: RegexNode): RegexNode {
    const [least, most] = this.#quantifier() ?? [1, 1];
    if (least === 1 && most === 1) return atom;
    if (most !== null && most < least) throw this.#error('invalid repeat count');
    if (least > repeatMax || (most ?? 0) > repeatMax) throw this.#error('invalid repeat count');
    const before = this.#at;
    if (this.#quantifier() !== null) {
      this.#at = before;
      throw this.#error('invalid nested repetition operator');
    }
    return { kind: 'repeat', part: atom, least, most };
  }

  #quantifier(): readonly [least: number, most: number | null] | null {
    let bounds: readonly [number, number | null] | null = null;
    if (this.#take('*')) bounds = [0, null];
    else if (this.#take('+')) bounds = [1, null];
    else if (this.#take('?')) bounds = [0, 1];
    else {
      const counted = /^\{(\d{1,9})(?:(,)(\d{1,9})?)?\}/.exec(this.#source.slice(this.#at));
      if (counted === null) return null;
      const [text, least, comma, most] = counted;
      this.#at += text.length;
      const lowest = Number(least);
      bounds = [lowest, comma === undefined ? lowest : most === undefined ? null : Number(most)];
    }
    this.#take('?');
    return bounds;
  }

  #atom(): RegexNode | null {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'char', test: this.#folded(this.#class()) };
      case '.': {
        const { dotAll } = this.#flags;
        return { kind: 'char', test: (c) => dotAll || c !== '\n' };
      }
      case '^':
        return this.#edge(
          (_text, at) => at === 0,
          (text, at) => text.charAt(at - 1) === '\n',
        );
      case '$':
        return this.#edge(
          (text, at) => at === text.length,
          (text, at) => text.charAt(at) === '\n',
        );
      case '*':
      case '+':
      case '?':
        throw this.#error('missing argument to repetition operator');
      case '\\':
        return this.#escape();
      default:
        return this.#literal(character);
    }
  }

  #edge(ofText: (text: string, at: number) => boolean, ofLine: (text: string, at: number) => boolean): RegexNode {
    const { multiLine } = this.#flags;
    return { kind: 'assert', holds: (text, at) => ofText(text, at) || (multiLine && ofLine(text, at)) };
  }

  #literal(character: string): RegexNode {
    return { kind: 'char', test: this.#folded((c) => c === character) };
  }

  /** With the flag `i` either case of a letter will do. */
  #folded(test: CharTest): CharTest {
    if (!this.#flags.ignoresCase) return test;
    return (c) => test(c) || test(c.toLowerCase()) || test(c.toUpperCase());
  }

  #group(): RegexNode | null {
    const outer = this.#flags;
    if (this.#take('?')) {
      const named = /^P?<([0-9A-Za-z_]+)>/.exec(this.#source.slice(this.#at));
      if (named !== null) this.#at += named[0].length;
      else if (this.#setFlags()) return null;
    }
    const inner = this.#either();
    if (!this.#take(')')) throw this.#error('missing closing )');
    this.#flags = outer;
    return inner;
  }

  /** True for `(?i)`, which goes on to the end of the group; false for `(?i:…)`, which is a group. */
  #setFlags(): boolean {
    const found = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(this.#source.slice(this.#at));
    if (found === null || (found[1] === '' && found[2] === undefined && found[3] === ')')) {
      throw this.#error('invalid or unsupported Perl syntax');
    }
    const [text, on = '', off = '', end] = found;
    this.#at += text.length;
    const flag = (name: string, before: boolean): boolean => (before || on.includes(name)) && !off.includes(name);
    const next = {
      ignoresCase: flag('i', this.#flags.ignoresCase),
      dotAll: flag('s', this.#flags.dotAll),
      multiLine: flag('m', this.#flags.multiLine),
    };
    if (end === ')') {
      this.#flags = next;
      return true;
    }
    this.#flags = next;
    return false;
  }

  #escape(): RegexNode {
    if (this.#at >= this.#source.length) throw this.#error('trailing backslash at end of expression');
    const character = this.#next();
    switch (character) {
      case 'A':
        return { kind: 'assert', holds: (_text, at) => at === 0 };
      case 'z':
        return { kind: 'assert', holds: (text, at) => at === text.length };
      case 'b':
        return { kind: 'assert', holds: isWordBoundary };
      case 'B':
        return { kind: 'assert', holds: (text, at) => !isWordBoundary(text, at) };
      case 'C':
        return { kind: 'char', test: () => true };
      case 'Q': {
        const end = this.#source.indexOf('\\E', this.#at);
        const quoted = this.#source.slice(this.#at, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#source.length : end + 2;
        return { kind: 'sequence', parts: [...quoted].map((each) => this.#literal(each)) };
      }
      default: {
        const test = this.#escapedClass(character);
        if (test !== null) return { kind: 'char', test: this.#folded(test) };
        return this.#literal(this.#escapedCharacter(character));
      }
    }
  }

  #escapedClass(character: string): CharTest | null {
    const known = classes[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? known : (c) => !known(c);
    if (character !== 'p' && character !== 'P') return null;
    const found = /^(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/.exec(this.#source.slice(this.#at));
    const name = found?.[2] ?? found?.[3];
    if (found === null || name === undefined) throw this.#error('invalid character class range');
    this.#at += found[0].length;
    const test = this.#unicode(name);
    return (character === 'P') !== (found[1] === '^') ? (c) => !test(c) : test;
  }

  #unicode(name: string): CharTest {
    for (const form of [`^\\p{${name}}$`, `^\\p{Script=${name}}$`]) {
      try {
        const expression = new RegExp(form, 'u');
        return (c) => expression.test(c);
      } catch {
        // Not a name of that kind: the next, or none.
      }
    }
    throw this.#error('invalid character class range');
  }

  #escapedCharacter(character: string): string {
    const known = escapedCharacters[character];
    if (known !== undefined) return known;
    const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#source.slice(this.#at));
    if (character === 'x' && hex !== null) {
      this.#at += hex[0].length;
      return String.fromCodePoint(Math.min(Number.parseInt(hex[1] ?? hex[2] ?? '0', 16), 0x10ffff));
    }
    const octal = /^[0-7]{0,2}/.exec(this.#source.slice(this.#at))?.[0] ?? '';
    if (character === '0' || (/[1-7]/.test(character) && octal.length > 0)) {
      this.#at += octal.length;
      return String.fromCharCode(Number.parseInt(character + octal, 8));
    }
    // Punctuation stands for itself; a letter or digit that means nothing here may mean something elsewhere.
    if (/^[0-9A-Za-z]$/.test(character)) throw this.#error('invalid escape sequence');
    return character;
  }

  #class(): CharTest {
    const isNegated = this.#take('^');
    const tests: CharTest[] = [];
    for (let isFirst = true; isFirst || !this.#peek(']'); isFirst = false) {
      if (this.#at >= this.#source.length) throw this.#error('missing closing ]');
      tests.push(this.#classMember());
    }
    this.#at++;
    return (c) => tests.some((test) => test(c)) !== isNegated;
  }

  #classMember(): CharTest {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at));
    if (posix !== null) {
      const test = posixClasses[posix[2] ?? ''];
      if (test === undefined) throw this.#error('invalid character class range');
      this.#at += posix[0].length;
      return posix[1] === '^' ? (c) => !test(c) : test;
    }
    if (this.#peek('\\')) {
      const before = this.#at;
      this.#at++;
      const test = this.#escapedClass(this.#next());
      if (test !== null) return test;
      this.#at = before;
    }
    const first = this.#classCharacter();
    if (!this.#peek('-') || this.#source.charAt(this.#at + 1) === ']') return (c) => c === first;
    this.#at++;
    const last = this.#classCharacter();
    if (last < first) throw this.#error('invalid character class range');
    return (c) => c >= first && c <= last;
  }

  #classCharacter(): string {
    if (this.#at >= this.#source.length) throw this.#error('missing closing ]');
    const character = this.#next();
    if (character !== '\\') return character;
    if (this.#at >= this.#source.length) throw this.#error('missing closing ]');
    return this.#escapedCharacter(this.#next());
  }
}

function isWordBoundary(text: string, at: number): boolean {
  const isBefore = at > 0 && isWord(text.charAt(at - 1));
  const isAfter = at < text.length && isWord(text.charAt(at));
  return isBefore !== isAfter;
}
