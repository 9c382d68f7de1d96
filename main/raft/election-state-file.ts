// The file `quorum-state`: epoch, leader and vote, in Kafka's JSON. A vote counts only once it is in this file; so
// it is written whole and synced (data_version 0 at kraft.version 0, else 1).

import { zeroUuid } from '../protocol/uuid.ts';
import type { Disk } from '../runtime/runtime.ts';
import type { ElectionState } from './quorum-types.ts';

export function electionFilePath(directory: string): string {
  return `${directory}/quorum-state`;
}

/** Null when there is none yet. Throws an Error that names the file when it can't be understood. */
export function readElectionFile(disk: Disk, directory: string): ElectionState | null {
  const path = electionFilePath(directory);
  if (!disk.exists(path)) return null;
  try {
    return parseElection(Buffer.from(disk.readFile(path)).toString('utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} can't be read (${reason}): this node no longer knows whom it voted for`, { cause: error });
  }
}

export function writeElectionFile(
  disk: Disk,
  directory: string,
  election: ElectionState,
  dataVersion: 0 | 1,
  voters: readonly number[],
): void {
  disk.writeFileAtomic(electionFilePath(directory), Buffer.from(formatElection(election, dataVersion, voters)));
}

export function formatElection(election: ElectionState, dataVersion: 0 | 1, voters: readonly number[]): string {
  const leaderId = election.leader ?? -1;
  const votedId = election.votedFor ?? -1;
  const { epoch: leaderEpoch, votedDirectory } = election;
  const votedDirectoryId = votedDirectory ?? zeroUuid;
  if (dataVersion === 1) return JSON.stringify({ leaderId, leaderEpoch, votedId, votedDirectoryId, data_version: 1 });
  const currentVoters = voters.map((voterId) => ({ voterId }));
  // Kafka leaves clusterId and appliedOffset at nothing.
  return JSON.stringify({
    clusterId: '',
    leaderId,
    leaderEpoch,
    votedId,
    appliedOffset: 0,
    currentVoters,
    data_version: 0,
  });
}

export function parseElection(text: string): ElectionState {
  const json: unknown = JSON.parse(text);
  if (typeof json !== 'object' || json === null) throw new Error('not a JSON object');
  const fields: Readonly<Record<string, unknown>> = { ...json };
  const version = fields['data_version'];
  if (version !== 0 && version !== 1) throw new Error(`data_version ${String(version)} is not known`);
  const epoch = integerField(fields, 'leaderEpoch');
  if (epoch < 0) throw new Error(`leaderEpoch ${epoch} is negative`);
  const directoryId = fields['votedDirectoryId'];
  return {
    epoch,
    leader: idOrNull(integerField(fields, 'leaderId')),
    votedFor: idOrNull(integerField(fields, 'votedId')),
    votedDirectory: typeof directoryId === 'string' && directoryId !== zeroUuid ? directoryId : null,
  };
}

function idOrNull(id: number): number | null {
  return id < 0 ? null : id;
}

function integerField(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Error(`${name} is not a whole number`);
  return value;
}
