// What replication counts: totals since the start, per broker and per topic, under the names of Kafka's
// BrokerTopicMetrics. Whoever shows them computes rates.

/** As Kafka, produce and fetch requests count once for each partition in them. */
export type TopicCounters = {
  bytesIn: number;
  messagesIn: number;
  bytesOut: number;
  /** Of batches that were too large. */
  bytesRejected: number;
  produceRequests: number;
  /** Without those that a client can cause by not knowing the leader or by sending too much. */
  failedProduceRequests: number;
  fetchRequests: number;
  failedFetchRequests: number;
};

export type ReplicationCounters = {
  bytesIn: number;
  messagesIn: number;
  bytesOut: number;
  replicationBytesIn: number;
  replicationBytesOut: number;
};

/** What became of proposed changes of in-sync sets. */
export type IsrCounters = { expands: number; shrinks: number; failedUpdates: number };

export function newTopicCounters(): TopicCounters {
  return {
    bytesIn: 0,
    messagesIn: 0,
    bytesOut: 0,
    bytesRejected: 0,
    produceRequests: 0,
    failedProduceRequests: 0,
    fetchRequests: 0,
    failedFetchRequests: 0,
  };
}

export function addTopicCounters(sum: TopicCounters, one: TopicCounters): void {
  sum.bytesIn += one.bytesIn;
  sum.messagesIn += one.messagesIn;
  sum.bytesOut += one.bytesOut;
  sum.bytesRejected += one.bytesRejected;
  sum.produceRequests += one.produceRequests;
  sum.failedProduceRequests += one.failedProduceRequests;
  sum.fetchRequests += one.fetchRequests;
  sum.failedFetchRequests += one.failedFetchRequests;
}
