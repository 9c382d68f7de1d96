// A text of records, as pasted or from a file: JSON objects one a line, CSV with a head, or plain lines. What becomes of
// each line is decided before anything is written. Pure.

export type ImportFormat = 'ndjson' | 'csv' | 'lines';
export type ImportRow = {
  readonly line: number;
  readonly cells: Readonly<Record<string, unknown>>;
  readonly problem: string | null;
};
export type ImportTable = { readonly columns: readonly string[]; readonly rows: readonly ImportRow[] };

/** Which column a part of the record comes from; null is none. */
export type Mapping = {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: string | null;
  readonly partition: string | null;
  readonly timestamp: string | null;
};
export type ImportRecord = {
  readonly line: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  readonly partition: number | null;
  readonly timestamp: number | null;
  /** Why it will not be written. */
  readonly problem: string | null;
};

/** Stands for all of a line, among the columns. */
export const wholeLine = '(whole line)';
export const importLinesMax = 100_000;
const columnsMax = 200;

export function guessFormat(text: string): ImportFormat {
  const first = text.trimStart().split('\n', 1)[0] ?? '';
  if (/^\s*[{[]/.test(first)) return 'ndjson';
  return delimiterOf(first) === null ? 'lines' : 'csv';
}

export function parseImport(text: string, format: ImportFormat): ImportTable {
  const rows = format === 'csv' ? csvRows(text) : lineRows(text, format);
  const columns = new Set<string>();
  for (const row of rows) {
    for (const name of Object.keys(row.cells)) if (columns.size < columnsMax) columns.add(name);
  }
  return { columns: [...columns], rows };
}

export function guessMapping(columns: readonly string[]): Mapping {
  const named = (...names: readonly string[]): string | null =>
    columns.find((column) => names.includes(column.toLowerCase())) ?? null;
  return {
    key: named('key', 'id'),
    value: named('value', 'payload') ?? (columns.includes(wholeLine) ? wholeLine : (columns[0] ?? null)),
    headers: named('headers'),
    // Where records come from need not be where they go: asked for, not guessed.
    partition: null,
    timestamp: null,
  };
}

export function toRecord(row: ImportRow, mapping: Mapping): ImportRecord {
  const cell = (column: string | null): unknown => (column === null ? null : row.cells[column]);
  const problems = row.problem === null ? [] : [row.problem];
  const partition = wholeNumber(cell(mapping.partition));
  if (Number.isNaN(partition)) problems.push(`"${textOf(cell(mapping.partition))}" is no partition`);
  const timestamp = momentOf(cell(mapping.timestamp));
  if (Number.isNaN(timestamp)) problems.push(`"${textOf(cell(mapping.timestamp))}" is no time`);
  const headers = headersOf(cell(mapping.headers));
  if (headers === null) problems.push('its headers are no JSON object');
  return {
    line: row.line,
    key: textOf(cell(mapping.key)),
    value: textOf(cell(mapping.value)),
    headers: headers ?? [],
    partition,
    timestamp,
    problem: problems.length === 0 ? null : problems.join('; '),
  };
}

function lineRows(text: string, format: 'ndjson' | 'lines'): ImportRow[] {
  const rows: ImportRow[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    if (rows.length >= importLinesMax) break;
    rows.push(format === 'lines' ? rowOf(index + 1, line, {}, null) : jsonRow(index + 1, line));
  }
  return rows;
}

function jsonRow(number: number, line: string): ImportRow {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return rowOf(number, line, isObject ? (value as Record<string, unknown>) : {}, null);
  } catch (error) {
    return rowOf(number, line, {}, error instanceof Error ? error.message : 'no JSON');
  }
}

function rowOf(line: number, whole: string, cells: Record<string, unknown>, problem: string | null): ImportRow {
  return { line, cells: { ...cells, [wholeLine]: whole }, problem };
}

function csvRows(text: string): ImportRow[] {
  const delimiter = delimiterOf(text.split('\n', 1)[0] ?? '') ?? ',';
  const [head, ...lines] = csvLines(text, delimiter);
  if (head === undefined) return [];
  return lines.slice(0, importLinesMax).map(({ line, cells }) => ({
    line,
    cells: Object.fromEntries(head.cells.map((name, index) => [name, cells[index] ?? null])),
    problem: cells.length > head.cells.length ? `has ${cells.length} cells, the head names ${head.cells.length}` : null,
  }));
}

function delimiterOf(line: string): string | null {
  const counts = [',', ';', '\t'].map((delimiter) => [delimiter, line.split(delimiter).length] as const);
  const [best] = counts.toSorted((a, b) => b[1] - a[1]);
  return best !== undefined && best[1] > 1 ? best[0] : null;
}

/** RFC 4180: quotes around cells that hold delimiters, line ends or quotes, which are doubled. */
function csvLines(text: string, delimiter: string): { line: number; cells: string[] }[] {
  const found: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let begin = 1;
  const endLine = (): void => {
    if (cells.length > 0 || cell !== '') found.push({ line: begin, cells: [...cells, cell] });
    [cells, cell, begin] = [[], '', line + 1];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quoted) {
      if (character === '\n') line += 1;
      if (character !== '"') cell += character;
      else if (text.charAt(at + 1) === '"') cell += text.charAt(++at);
      else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === delimiter) {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') {
      endLine();
      line += 1;
    } else if (character !== '\r') cell += character;
  }
  endLine();
  return found;
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function wholeNumber(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 ? number : Number.NaN;
}

function momentOf(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const number = typeof value === 'number' || /^\d+$/.test(String(value)) ? Number(value) : Date.parse(String(value));
  return Number.isNaN(number) || number < 0 ? Number.NaN : Math.floor(number);
}

function headersOf(value: unknown): ImportRecord['headers'] | null {
  if (value === null || value === undefined || value === '') return [];
  let read = value;
  if (typeof value === 'string') {
    try {
      read = JSON.parse(value);
    } catch {
      return null;
    }
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return null;
  return Object.entries(read).map(([key, one]) => ({ key, value: textOf(one) ?? '' }));
}
