// The journal of a simulated run: one line for everything that happened, in order. Its hash tells whether two runs were
// the same; its text is kept only when somebody wants to read it.

export class Journal {
  readonly lines: string[] = [];
  readonly #isKept: boolean;
  #hash = 0x811c9dc5;
  #lineCount = 0;

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  get lineCount(): number {
    return this.#lineCount;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  add(atMs: number, actor: string, text: string): void {
    const line = `${atMs.toFixed(3).padStart(10)}  ${actor.padEnd(10)}  ${text}`;
    this.#lineCount++;
    // FNV-1a.
    let hash = this.#hash;
    for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193);
    this.#hash = hash;
    if (this.#isKept) this.lines.push(line);
  }
}
