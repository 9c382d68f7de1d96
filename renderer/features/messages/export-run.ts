// Reads a range of a topic, as far as it matches, into a file: portion by portion, with progress, until the end or until
// it is ended by hand. Records that are longer than a preview are asked for in full.

import type { Bridge } from '../../../main/api/contract.ts';
import {
  messagesLimitMax,
  previewBytesMax,
  type MessageView,
  type Position,
} from '../../../main/api/endpoints/messages.ts';
import type { FeedQuestion } from '../../state/message-feed.svelte.ts';
import { type Decoders, type ExportFormat, exportPart, frameOf } from './export-messages.ts';

export type ExportRange = Pick<FeedQuestion, 'topic' | 'isolation' | 'text' | 'expression' | 'control'> & {
  readonly positions: readonly Position[];
  /** Exclusive. */
  readonly until: readonly Position[];
};
export type ExportProgress = {
  readonly messages: number;
  readonly scanned: number;
  readonly of: number;
  readonly bytes: number;
};

/** A file is put together in memory: beyond this it ends, and says so. */
export const exportBytesMax = 512 * 1024 * 1024;
const scanMax = 20_000;

export type Exported = ExportProgress & { readonly blob: Blob; readonly ended: 'whole' | 'by hand' | 'too large' };

export async function exportRange(
  bridge: Bridge,
  range: ExportRange,
  how: { format: ExportFormat; decoders: Decoders; signal: AbortSignal; told: (progress: ExportProgress) => void },
): Promise<Exported> {
  const { format, decoders, signal, told } = how;
  const { before, between, after } = frameOf(format);
  const parts: (string | Uint8Array<ArrayBuffer>)[] = [before];
  const of = range.until.reduce(
    (sum, { partition, offset }) => sum + Math.max(0, offset - startOf(range, partition)),
    0,
  );
  let progress: ExportProgress = { messages: 0, scanned: 0, of, bytes: 0 };
  let positions = range.positions;
  let ended: Exported['ended'] = 'whole';
  for (let atEnd = false; !atEnd;) {
    if (signal.aborted) ended = 'by hand';
    else if (progress.bytes > exportBytesMax) ended = 'too large';
    if (ended !== 'whole') break;
    const answer = await bridge.request('messages.read', {
      ...range,
      positions: [...positions],
      until: [...range.until],
      limit: messagesLimitMax,
      scanMax,
      waitMs: 0,
      previewBytes: previewBytesMax,
    });
    const messages = await Promise.all(answer.messages.map((message) => inFull(bridge, range.topic, message)));
    if (messages.length > 0) {
      if (progress.messages > 0 && between !== '') parts.push(between);
      parts.push(...exportPart(messages, format, decoders));
    }
    const stuck = answer.scanned === 0 && !moved(positions, answer.positions);
    positions = answer.positions;
    progress = {
      of,
      messages: progress.messages + messages.length,
      scanned: progress.scanned + answer.scanned,
      bytes: progress.bytes + messages.reduce((sum, { keyBytes, valueBytes }) => sum + keyBytes + valueBytes, 0),
    };
    told(progress);
    if (stuck && !answer.atEnd) throw new Error(answer.problems[0]?.message ?? 'reading does not get on');
    atEnd = answer.atEnd;
  }
  parts.push(after);
  return { ...progress, blob: new Blob(parts), ended };
}

async function inFull(bridge: Bridge, topic: string, message: MessageView): Promise<MessageView> {
  if (message.keyBytes <= previewBytesMax && message.valueBytes <= previewBytesMax) return message;
  return bridge.request('messages.one', { topic, partition: message.partition, offset: message.offset });
}

function startOf({ positions }: ExportRange, partition: number): number {
  return positions.find((one) => one.partition === partition)?.offset ?? 0;
}

function moved(before: readonly Position[], after: readonly Position[]): boolean {
  return after.some((one) => before.find(({ partition }) => partition === one.partition)?.offset !== one.offset);
}
