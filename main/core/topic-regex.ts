// Regular expressions over topic names in the syntax of RE2, as consumers send them (KIP-848). Matching walks all
// alternatives at once, in time linear in name and expression: no expression can hold up the coordinator, which
// JavaScript's own, backtracking ones could. Look-around and back references are not in that syntax.

import { parseRegex, type CharTest, type RegexNode } from './topic-regex-parser.ts';

/** Steps of a compiled expression: each costs time at every character of every topic's name. */
const programSizeMax = 2000;

export class InvalidRegex extends Error {
  override readonly name = 'InvalidRegex';
}

type Step =
  | { readonly kind: 'char'; readonly test: CharTest; readonly next: number }
  | { readonly kind: 'split'; readonly next: readonly number[] }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean; readonly next: number }
  | { readonly kind: 'match' };

export type TopicRegex = { matches(name: string): boolean };

/** Throws InvalidRegex in RE2's words. */
export function compileTopicRegex(source: string): TopicRegex {
  const program = new Program();
  const match = program.add({ kind: 'match' });
  const start = program.compile(
    parseRegex(source, (message) => new InvalidRegex(message)),
    match,
  );
  return { matches: (name) => run(program.steps, start, name) };
}

class Program {
  readonly steps: Step[] = [];

  add(step: Step): number {
    if (this.steps.length >= programSizeMax) throw new InvalidRegex('expression is too large');
    this.steps.push(step);
    return this.steps.length - 1;
  }

  /** Returns where the node begins; it goes on at `next`. */
  compile(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'empty':
        return next;
      case 'char':
        return this.add({ kind: 'char', test: node.test, next });
      case 'assert':
        return this.add({ kind: 'assert', holds: node.holds, next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => this.compile(part, after), next);
      case 'either':
        return this.add({ kind: 'split', next: node.branches.map((branch) => this.compile(branch, next)) });
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat({ part, least, most }: Extract<RegexNode, { kind: 'repeat' }>, next: number): number {
    let start = next;
    if (most === null) {
      const loop = this.add({ kind: 'split', next: [] });
      this.steps[loop] = { kind: 'split', next: [this.compile(part, loop), next] };
      start = loop;
    } else {
      for (let count = least; count < most; count++) {
        start = this.add({ kind: 'split', next: [this.compile(part, start), next] });
      }
    }
    for (let count = 0; count < least; count++) start = this.compile(part, start);
    return start;
  }
}

function run(steps: readonly Step[], start: number, text: string): boolean {
  let current = reach(steps, [start], text, 0);
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const next: number[] = [];
    for (const index of current) {
      const step = steps[index];
      if (step?.kind === 'char' && step.test(character)) next.push(step.next);
    }
    if (next.length === 0) return false;
    current = reach(steps, next, text, at + 1);
  }
  for (const index of current) if (steps[index]?.kind === 'match') return true;
  return false;
}

/** All steps that wait for a character, or have matched, when the text is read up to `at`. */
function reach(steps: readonly Step[], from: readonly number[], text: string, at: number): Set<number> {
  const seen = new Set<number>();
  const waiting = [...from];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    const step = steps[index];
    if (step?.kind === 'split') waiting.push(...step.next);
    else if (step?.kind === 'assert' && step.holds(text, at)) waiting.push(step.next);
  }
  return seen;
}
