// Which rows of a long list with rows of one height must exist, for a scroll position. Pure.

/** Rows drawn beyond each edge, so that a fast scroll shows no holes. */
const overscan = 6;

export type RowWindow = { readonly first: number; readonly end: number };

export function windowOfRows(scrollTop: number, viewHeight: number, rowHeight: number, rowCount: number): RowWindow {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan);
  const end = Math.min(rowCount, Math.ceil((scrollTop + viewHeight) / rowHeight) + overscan);
  return { first: Math.min(first, end), end };
}

/** The scroll position that shows a whole row below a sticky head, or null when it already shows. */
export function scrollToRow(
  index: number,
  scrollTop: number,
  viewHeight: number,
  rowHeight: number,
  headHeight: number,
): number | null {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  const bottom = top + rowHeight + headHeight;
  return bottom > scrollTop + viewHeight ? bottom - viewHeight : null;
}
