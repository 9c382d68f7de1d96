// The deliberate bugs of `npm run mutations`: each replaces a text that stands in its file exactly once. The unit test
// beside it holds that they still do.

export type Mutation = {
  readonly name: string;
  /** What a broker with it does wrong. */
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
};

export const mutations: readonly Mutation[] = [
  {
    name: 'vote-not-persisted',
    bug: 'a restarted voter has forgotten its epoch and its vote',
    file: 'main/raft/raft-node.ts',
    from: 'writeElectionFile(disk, this.#options.directory, file, dataVersion, this.voterSet.ids);',
    to: 'void [writeElectionFile, disk, file, dataVersion];',
  },
  {
    name: 'metadata-not-synced',
    bug: 'the quorum counts what a power loss may take',
    file: 'main/raft/metadata-log.ts',
    from: 'return this.#log.sync()',
    to: 'return Promise.resolve()',
  },
  {
    name: 'high-watermark-early',
    bug: 'the high watermark does not wait for the followers',
    file: 'main/replication/high-watermark.ts',
    from: 'if (counts) highWatermark = follower.logEndOffset;',
    to: 'if (counts && input.nowMs < 0) highWatermark = follower.logEndOffset;',
  },
  {
    name: 'acknowledged-before-high-watermark',
    bug: 'acks=all is answered as acks=1 is',
    file: 'main/replication/appends.ts',
    from: 'if (terms.acks !== -1 || outcome.endOffset < 0',
    to: 'if (terms.acks !== -99 || outcome.endOffset < 0',
  },
  {
    name: 'one-in-sync-is-enough',
    bug: 'min.insync.replicas is not asked for',
    file: 'main/replication/partition.ts',
    from: 'return Math.min(this.log.config.minInsyncReplicas, role.followers.length + 1);',
    to: 'return Math.min(1, role.followers.length + 1);',
  },
  {
    name: 'no-truncation-on-divergence',
    bug: 'a leader does not tell a follower that their epochs differ',
    file: 'main/replication/partition-fetch.ts',
    from: 'if (entry.lastFetchedEpoch >= 0) {',
    to: 'if (entry.lastFetchedEpoch >= 1e9) {',
  },
  {
    name: 'duplicates-taken-again',
    bug: 'a repeated batch is not recognised',
    file: 'main/log/producer-gate.ts',
    from: 'duplicate = known === null ? null : findDuplicate(known, batch);',
    to: 'duplicate = known === null || batch.producerId >= 0 ? null : findDuplicate(known, batch);',
  },
  {
    name: 'sequences-unchecked',
    bug: 'gaps, repeats and returns of sequence numbers are all taken',
    file: 'main/log/producer-gate.ts',
    from: 'if (!batch.hasProducerId) return true;',
    to: 'if (batch.isControl || !batch.isTransactional) return true;',
  },
  {
    name: 'idempotence-lost-on-failover',
    bug: 'followers do not learn who wrote what',
    file: 'main/log/producer-gate.ts',
    from: 'const { producerId } = batch;',
    to: "if (options.origin === 'replication') return true;\n    const { producerId } = batch;",
  },
  {
    name: 'isr-not-fenced-by-partition-epoch',
    bug: 'the controller takes an ISR that was proposed from an older one',
    file: 'main/controller/isr-control.ts',
    from: 'if (requested.partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;',
    to: '',
  },
  {
    name: 'election-outside-isr',
    bug: 'any live replica may lead',
    file: 'main/controller/partition-change.ts',
    from: '(target.inSyncReplicas.includes(replica) ||',
    to: '(target.replicas.includes(replica) ||',
  },
  {
    name: 'unclean-restart-stays-in-isr',
    bug: 'a replica that may have lost its tail counts as in sync',
    file: 'main/controller/cluster-control.ts',
    from: 'const wasClean = request.previousBrokerEpoch === existing.epoch;',
    to: 'const wasClean = request.previousBrokerEpoch <= existing.epoch;',
  },
  {
    name: 'reads-beyond-high-watermark',
    bug: 'consumers are shown what is not committed',
    file: 'main/replication/fetch-requests.ts',
    from: "limit: isFollower ? 'log-end'",
    to: "limit: isFollower || request.isolationLevel === 0 ? 'log-end'",
  },
  {
    name: 'group-commit-not-waited-for',
    bug: 'an offset commit is acknowledged before its record is safe',
    file: 'main/coordinators/runtime/coordinator-partition.ts',
    from: 'this.#commits.add({ requiredOffset: this.#nextOffset, deadlineMs, settle });',
    to: 'this.#commits.add({ requiredOffset: 0, deadlineMs, settle });\n    this.#commits.release(0);',
  },
  {
    name: 'checksums-not-checked',
    bug: 'recovery takes records whose bits have flipped',
    file: 'main/records/record-batch.ts',
    from: 'get isValid(): boolean {',
    to: 'get isValid(): boolean {\n    if (this.sizeInBytes > 0) return true;',
  },
];
