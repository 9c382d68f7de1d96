// Whether another broker opened a connection, by the client id in the header of its first request. Brokers (ours and
// Kafka's) name themselves there; faults for clients leave them alone.

/** Length, api key, api version, correlation id. */
const bytesBeforeClientId = 12;

export function isFromBroker(firstBytes: Buffer): boolean {
  if (firstBytes.length < bytesBeforeClientId + 2) return false;
  const length = firstBytes.readInt16BE(bytesBeforeClientId);
  const start = bytesBeforeClientId + 2;
  if (length <= 0 || firstBytes.length < start + length) return false;
  return /^(broker-\d+-|raft-client-\d)/.test(firstBytes.toString('latin1', start, start + length));
}
