// From the faults that people name to what each broker does to itself. Pure.

import type { ActiveFault, Fault, FaultDirection, FaultPeer } from '../core/faults.ts';
import {
  clearLink,
  noFaults,
  type BrokerFaults,
  type DiskFaults,
  type LinkCondition,
  type LinkFaults,
} from '../runtime/faulty/broker-faults.ts';

type NetworkFault = Extract<Fault, { direction: FaultDirection }>;

export function isNetworkFault(fault: Fault): fault is NetworkFault {
  return fault.kind === 'cut' || fault.kind === 'delay' || fault.kind === 'loss' || fault.kind === 'bandwidth';
}

/** What broker `brokerId` must do, given all active faults of a cluster with these brokers. */
export function brokerFaults(
  brokerId: number,
  faults: readonly ActiveFault[],
  brokerIds: readonly number[],
): BrokerFaults {
  const own = faults.filter(({ fault }) => fault.brokerId === brokerId);
  return {
    links: linksOf(brokerId, faults, brokerIds),
    disk: own.reduce((disk, { fault }) => withDiskFault(disk, fault), noFaults.disk),
    clock: own.flatMap(({ fault, sinceMonotonicMs }) =>
      fault.kind === 'clock-skew' ? [{ offsetMs: fault.offsetMs, rate: fault.rate, sinceMonotonicMs }] : [],
    ),
  };
}

/** The brokers whose part in the cluster's faults this one changes. */
export function brokersConcerned(fault: Fault, brokerIds: readonly number[]): number[] {
  if (!isNetworkFault(fault)) return [fault.brokerId];
  return brokerIds.filter((id) => id === fault.brokerId || touches(fault.peer, id));
}

function linksOf(brokerId: number, faults: readonly ActiveFault[], brokerIds: readonly number[]): LinkFaults[] {
  const links: LinkFaults[] = [];
  for (const peer of [...brokerIds.filter((id) => id !== brokerId), 'clients'] as const) {
    let out = clearLink;
    let incoming = clearLink;
    for (const { fault } of faults) {
      if (!isNetworkFault(fault)) continue;
      const isMine = fault.brokerId === brokerId && touches(fault.peer, peer);
      // The same fault seen from its other end: what goes out there comes in here.
      const isTheirs = fault.brokerId === peer && touches(fault.peer, brokerId);
      if (!isMine && !isTheirs) continue;
      const { direction } = fault;
      if (direction === 'both' || (direction === 'out') === isMine) out = withLinkFault(out, fault);
      if (direction === 'both' || (direction === 'in') === isMine) incoming = withLinkFault(incoming, fault);
    }
    if (out !== clearLink || incoming !== clearLink) links.push({ peer, out, in: incoming });
  }
  return links;
}

function touches(peer: FaultPeer, other: number | 'clients'): boolean {
  if (peer === 'everyone' || peer === other) return true;
  return peer === 'brokers' && other !== 'clients';
}

function withLinkFault(link: LinkCondition, fault: NetworkFault): LinkCondition {
  switch (fault.kind) {
    case 'cut':
      return { ...link, isCut: true };
    case 'delay':
      return { ...link, delayMs: link.delayMs + fault.delayMs, jitterMs: link.jitterMs + fault.jitterMs };
    case 'loss':
      return { ...link, loss: 1 - (1 - link.loss) * (1 - fault.share) };
    case 'bandwidth':
      return { ...link, bytesPerSecond: Math.min(link.bytesPerSecond ?? Infinity, fault.bytesPerSecond) };
  }
}

function withDiskFault(disk: DiskFaults, fault: Fault): DiskFaults {
  switch (fault.kind) {
    case 'disk-full':
      return { ...disk, freeBytes: Math.min(disk.freeBytes ?? Infinity, fault.freeBytes) };
    case 'slow-disk':
      return {
        ...disk,
        syncDelayMs: disk.syncDelayMs + fault.syncMs,
        writeDelayMs: disk.writeDelayMs + fault.writeMs,
      };
    case 'disk-error':
      return { ...disk, errors: [...disk.errors, { operations: fault.operations, path: fault.path }] };
    case 'cut':
    case 'delay':
    case 'loss':
    case 'bandwidth':
    case 'clock-skew':
      return disk;
  }
}
