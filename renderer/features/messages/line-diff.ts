// Two texts line by line: what both have, what only one has. Pure.

export type DiffLine = { readonly side: 'both' | 'left' | 'right'; readonly text: string };

/** The table of the longest common part grows with both texts. */
const linesMax = 1_000;

export function diffLines(left: string, right: string): readonly DiffLine[] {
  const a = left.split('\n').slice(0, linesMax);
  const b = right.split('\n').slice(0, linesMax);
  // common[i][j]: how many lines a from i on and b from j on have in common, in order.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = common[i];
    if (row === undefined) continue;
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ side: 'both', text: a[i++] ?? '' });
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ side: 'left', text: a[i++] ?? '' });
    } else lines.push({ side: 'right', text: b[j++] ?? '' });
  }
  return lines;
}
