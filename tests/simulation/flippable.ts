// Where a bit that flips in unsynced bytes can be noticed. Kafka's checksum of a batch leaves out its base offset and
// its leader epoch, and its small text files have none at all: there nobody could tell, Kafka as little as we.

import { logOverheadBytes } from '../../main/records/record-batch.ts';

const offsetBytes = 8;
const epochBytes = 4;

export function canFlipBeNoticed(name: string, bytes: Buffer, at: number): boolean {
  if (/\.(index|timeindex|txnindex)$/.test(name)) return true;
  if (!name.endsWith('.log')) return false;
  // Earlier flips may have spoilt a length: then nothing behind it is read.
  for (let start = 0; start + logOverheadBytes + epochBytes <= bytes.length;) {
    const end = start + logOverheadBytes + bytes.readInt32BE(start + offsetBytes);
    if (end <= start + logOverheadBytes) return true;
    if (at < end) {
      const within = at - start;
      const isEpoch = within >= logOverheadBytes && within < logOverheadBytes + epochBytes;
      return within >= offsetBytes && !isEpoch;
    }
    start = end;
  }
  return true;
}
