// Messages as files: JSON, a JSON object a line, or CSV. Pure; the caller saves.

import type { MessageView } from '../../../main/api/endpoints/messages.ts';
import { bytesOfBase64 } from '../../ui/hex-rows.ts';
import { decode, type DecoderName } from './decoders.ts';

export type ExportFormat = 'json' | 'ndjson' | 'csv';
export type Decoders = { readonly key: DecoderName; readonly value: DecoderName };

export function exportText(messages: readonly MessageView[], format: ExportFormat, decoders: Decoders): string {
  if (format === 'csv') return csv(messages, decoders);
  const objects = messages.map((message) => plain(message, decoders));
  return format === 'json'
    ? `${JSON.stringify(objects, null, 2)}\n`
    : objects.map((object) => `${JSON.stringify(object)}\n`).join('');
}

export function readField(text: string | null, decoder: DecoderName): string | null {
  return text === null ? null : decode(bytesOfBase64(text), decoder).text;
}

function plain(message: MessageView, decoders: Decoders): Record<string, unknown> {
  return {
    partition: message.partition,
    offset: message.offset,
    timestamp: new Date(message.timestamp).toISOString(),
    key: readField(message.key, decoders.key),
    value: valueOf(message.value, decoders.value),
    headers: Object.fromEntries(message.headers.map((header) => [header.key, readField(header.value, 'auto')])),
  };
}

/** JSON stays JSON instead of becoming a text with quotes in it. */
function valueOf(text: string | null, decoder: DecoderName): unknown {
  if (text === null) return null;
  const decoded = decode(bytesOfBase64(text), decoder);
  return decoded.kind === 'json' ? (JSON.parse(decoded.text) as unknown) : decoded.text;
}

const csvHead = ['partition', 'offset', 'timestamp', 'key', 'value', 'headers'];

function csv(messages: readonly MessageView[], decoders: Decoders): string {
  const rows = messages.map((message) => [
    String(message.partition),
    String(message.offset),
    new Date(message.timestamp).toISOString(),
    readField(message.key, decoders.key) ?? '',
    readField(message.value, decoders.value) ?? '',
    JSON.stringify(Object.fromEntries(message.headers.map((header) => [header.key, readField(header.value, 'auto')]))),
  ]);
  return [csvHead, ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

/** Quoted where the text needs it; a leading sign is defused, since tables run formulas. */
function quoted(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
