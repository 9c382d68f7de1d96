// Messages as files: JSON, a JSON object a line, or CSV. Pure; the caller saves.

import type { MessageView } from '../../../main/api/endpoints/messages.ts';
import { bytesOfBase64 } from '../../ui/hex-rows.ts';
import { decode } from './decoders.ts';
import type { Decoder } from './schema-decoders.ts';

export type ExportFormat = 'json' | 'ndjson' | 'csv' | 'raw';
export type Decoders = { readonly key: Decoder; readonly value: Decoder };

export const formatLabels: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'JSON, one a line',
  json: 'JSON, one list',
  csv: 'CSV',
  raw: 'Values as they are, one a line',
};

/** What stands before, between and after the parts of a file that is written bit by bit. */
export function frameOf(format: ExportFormat): { before: string; between: string; after: string } {
  if (format === 'json') return { before: '[\n', between: ',\n', after: '\n]\n' };
  if (format === 'csv') return { before: csvLine(csvHead), between: '', after: '' };
  return { before: '', between: '', after: '' };
}

/** A part of the file; the values as they are stay bytes. */
export function exportPart(
  messages: readonly MessageView[],
  format: ExportFormat,
  decoders: Decoders,
): readonly (string | Uint8Array<ArrayBuffer>)[] {
  switch (format) {
    case 'raw':
      return messages.flatMap(({ value }) => (value === null ? ['\n'] : [new Uint8Array(bytesOfBase64(value)), '\n']));
    case 'csv':
      return messages.map((message) => csvLine(csvRow(message, decoders)));
    case 'json':
      return [messages.map((message) => JSON.stringify(plain(message, decoders))).join(',\n')];
    case 'ndjson':
      return messages.map((message) => `${JSON.stringify(plain(message, decoders))}\n`);
  }
}

export function readField(text: string | null, decoder: Decoder): string | null {
  return text === null ? null : decoder.decode(bytesOfBase64(text)).text;
}

export function readHeader(text: string | null): string | null {
  return text === null ? null : decode(bytesOfBase64(text), 'auto').text;
}

function plain(message: MessageView, decoders: Decoders): Record<string, unknown> {
  return {
    partition: message.partition,
    offset: message.offset,
    timestamp: new Date(message.timestamp).toISOString(),
    key: message.internal ? parsed(message.internal.key) : readField(message.key, decoders.key),
    value: message.internal ? parsed(message.internal.value) : valueOf(message.value, decoders.value),
    headers: Object.fromEntries(message.headers.map((header) => [header.key, readHeader(header.value)])),
  };
}

/** JSON stays JSON instead of becoming a text with quotes in it. */
function valueOf(text: string | null, decoder: Decoder): unknown {
  if (text === null) return null;
  const decoded = decoder.decode(bytesOfBase64(text));
  return decoded.kind === 'json' ? (JSON.parse(decoded.text) as unknown) : decoded.text;
}

function parsed(text: string | null): unknown {
  return text === null ? null : (JSON.parse(text) as unknown);
}

const csvHead = ['partition', 'offset', 'timestamp', 'key', 'value', 'headers'];

function csvRow(message: MessageView, decoders: Decoders): readonly string[] {
  return [
    String(message.partition),
    String(message.offset),
    new Date(message.timestamp).toISOString(),
    (message.internal ? message.internal.key : readField(message.key, decoders.key)) ?? '',
    (message.internal ? message.internal.value : readField(message.value, decoders.value)) ?? '',
    JSON.stringify(Object.fromEntries(message.headers.map((header) => [header.key, readHeader(header.value)]))),
  ];
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/** Quoted where the text needs it; a leading sign is defused, since tables run formulas. */
function quoted(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
