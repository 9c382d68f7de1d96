// Rows in the order of one column. Pure; equal rows keep the order they came in, null stands last either way.

const names = new Intl.Collator('en', { numeric: true });

export function sortRows<Row>(
  rows: readonly Row[],
  sortBy: (row: Row) => number | string | null,
  descending: boolean,
): readonly Row[] {
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: sortBy(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null ? 1 : 0) - (b.value === null ? 1 : 0);
      if (typeof a.value === 'number' && typeof b.value === 'number') return sign * (a.value - b.value);
      return sign * names.compare(String(a.value), String(b.value));
    })
    .map(({ row }) => row);
}
