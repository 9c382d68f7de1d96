// A fault in one line, the same in the command line, on the screens and in the journal's sentences. Pure.

import type { Fault, FaultDirection, FaultPeer } from '../core/faults.ts';

export function describeFault(fault: Fault): string {
  const broker = `broker ${fault.brokerId}`;
  switch (fault.kind) {
    case 'cut':
      return `${linkOf(fault)} cut`;
    case 'delay':
      return `${linkOf(fault)} delayed by ${fault.delayMs} ms${fault.jitterMs > 0 ? ` ± ${fault.jitterMs} ms` : ''}`;
    case 'loss':
      return `${linkOf(fault)} loses ${tidy(fault.share * 100)} % of segments`;
    case 'bandwidth':
      return `${linkOf(fault)} limited to ${bytesText(fault.bytesPerSecond)}/s`;
    case 'disk-full':
      return `${broker} disk full${fault.freeBytes > 0 ? ` after ${bytesText(fault.freeBytes)} more` : ''}`;
    case 'slow-disk':
      return `${broker} slow disk: sync + ${fault.syncMs} ms${fault.writeMs > 0 ? `, write + ${fault.writeMs} ms` : ''}`;
    case 'disk-error':
      return `${broker} I/O errors on ${fault.operations.join(', ')}${fault.path === null ? '' : ` of …${fault.path}…`}`;
    case 'clock-skew':
      return `${broker} clock ${skewText(fault)}`;
  }
}

function linkOf({
  brokerId,
  peer,
  direction,
}: {
  brokerId: number;
  peer: FaultPeer;
  direction: FaultDirection;
}): string {
  const arrow = direction === 'both' ? '↔' : direction === 'out' ? '→' : '←';
  return `broker ${brokerId} ${arrow} ${peerText(peer)}`;
}

function peerText(peer: FaultPeer): string {
  if (typeof peer === 'number') return `broker ${peer}`;
  return peer === 'brokers' ? 'other brokers' : peer;
}

function skewText({ offsetMs, rate }: { offsetMs: number; rate: number }): string {
  const offset = offsetMs === 0 ? [] : [`${tidy(Math.abs(offsetMs) / 1000)} s ${offsetMs < 0 ? 'behind' : 'ahead'}`];
  return [...offset, ...(rate === 1 ? [] : [`${tidy(rate)} times as fast`])].join(', ') || 'as it is';
}

function bytesText(bytes: number): string {
  if (bytes >= 1_000_000) return `${tidy(bytes / 1_000_000)} MB`;
  return bytes >= 1000 ? `${tidy(bytes / 1000)} kB` : `${bytes} B`;
}

/** At most two places after the point. */
function tidy(value: number): string {
  return String(Math.round(value * 100) / 100);
}
