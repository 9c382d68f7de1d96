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
    from: 'writeElectionFile(disk, this.#options.directory, election, dataVersion, this.#voterHistory.last.ids);',
    to: 'void [writeElectionFile, disk, election, dataVersion];',
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
    name: 'joins-isr-too-early',
    bug: 'a leader proposes a follower for the ISR before it holds all that is committed',
    file: 'main/replication/partition.ts',
    from: 'const isThere = follower.logEndOffset >= this.log.highWatermark && follower.logEndOffset >= role.epochStartOffset;',
    to: 'const isThere = follower.logEndOffset >= 0;',
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
    from: 'if (computed !== this.crc) {',
    to: 'if (computed !== this.crc && this.crc < 0) {',
  },
  {
    name: 'follower-cuts-to-high-watermark',
    bug: 'a follower of a new epoch drops all above its own high watermark, committed or not (KIP-101)',
    file: 'main/replication/partition.ts',
    from: "this.role = { kind: 'follower', leader: assignment.leader };",
    to: "this.role = { kind: 'follower', leader: assignment.leader };\n    if (isNewEpoch) this.log.truncateTo(this.log.highWatermark);",
  },
  {
    name: 'epoch-file-believed',
    bug: 'after a power loss the epoch checkpoint names the epochs, not the batches',
    file: 'main/log/recovery.ts',
    from: 'if (!hadCleanShutdown && epochs.truncateFromEnd(recoveryPoint)) this.#epochsChanged = true;',
    to: 'void [hadCleanShutdown, epochs, recoveryPoint];',
  },
  {
    name: 'clean-note-comes-back',
    bug: 'the removal of .kafka_cleanshutdown is not synced: a power loss brings it back',
    file: 'main/log/log-directory.ts',
    from: 'disk.remove(note);',
    to: 'disk.remove(note);\n  if (text.length >= 0) return Number(/-?\\d+(?=})/.exec(text)?.[0] ?? -1);',
  },
  {
    name: 'transaction-marker-lost',
    bug: 'a marker counts as written when no answer came to it',
    file: 'main/coordinators/transaction/transaction-markers.ts',
    from: 'for (const part of sent) this.#later(part);',
    to: `for (const { job, partitions } of sent) {
        for (const [topic, ids] of partitions) for (const id of ids) done(job, topic, id);
        this.#completeIfDone(job);
      }`,
  },
  {
    name: 'takeover-aborts-commits',
    bug: 'a coordinator that takes over writes abort markers for decided commits',
    file: 'main/coordinators/transaction/transaction-markers.ts',
    from: "transactionResult: state === 'PrepareCommit',",
    to: "transactionResult: state === 'PrepareCommit' && coordinatorEpoch === 0,",
  },
  {
    name: 'marker-before-decision',
    bug: 'markers are written before the decision is committed to the log',
    file: 'main/coordinators/transaction/transaction-machine.ts',
    from: 'this.#onTheirWay.push({ transactionalId, offset });',
    to: 'this.#onTheirWay.push({ transactionalId, offset });\n    this.#commit(transactionalId);',
  },
  {
    name: 'epoch-not-bumped',
    bug: 'InitProducerId hands out the epoch that is in use: the life before is not fenced',
    file: 'main/coordinators/transaction/transaction-metadata.ts',
    from: 'return moved(before, { ...fresh, producerEpoch: producerEpoch + 1, lastProducerEpoch: noProducerEpoch });',
    to: 'return moved(before, { ...fresh, producerEpoch: Math.max(0, producerEpoch), lastProducerEpoch: noProducerEpoch });',
  },
  {
    name: 'log-start-not-waited-for',
    bug: 'DeleteRecords is answered before the followers have moved their log starts',
    file: 'main/replication/partition.ts',
    from: 'lowest = Math.min(lowest, follower.logStartOffset);',
    to: 'void follower.logStartOffset;',
  },
  {
    name: 'log-start-not-taken-over',
    bug: 'a follower does not move its log start when its leader has: DeleteRecords is never answered',
    file: 'main/replication/partition.ts',
    from: 'if (this.log.incrementLogStartOffset(leaderLogStartOffset)) this.logStartMoved();',
    to: 'this.logStartMoved();',
  },
  {
    name: 'snapshot-without-its-end',
    bug: 'the last batch of a metadata snapshot is left out',
    file: 'main/metadata/metadata-loader.ts',
    from: 'for (const batch of snapshot.batches()) delta.replayAll(batch);',
    to: 'for (const batch of [...snapshot.batches()].slice(0, -1)) delta.replayAll(batch);',
  },
  {
    name: 'stale-epochs-served',
    bug: 'a leader does not ask in which epoch the other side believes it to lead',
    file: 'main/replication/partition.ts',
    from: 'if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.leaderEpoch) return ErrorCode.NONE;',
    to: 'if (currentLeaderEpoch < 1e9) return ErrorCode.NONE;',
  },
  {
    name: 'compaction-keeps-the-oldest',
    bug: 'compaction drops the latest of a key',
    file: 'main/log/cleaning.ts',
    from: 'if (key === null || record.offset < this.#cleaning.map.get(key)) return false;',
    to: 'if (key === null || record.offset <= this.#cleaning.map.get(key)) return false;',
  },
];
