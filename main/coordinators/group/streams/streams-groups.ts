// Streams groups at their coordinator (KIP-1071): one method per request.

import { ErrorCode } from '../../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../../protocol/messages/group-coordinator-records.ts';
import type { StreamsGroupHeartbeatRequest } from '../../../protocol/messages/streams-group-heartbeat.ts';
import { responseErrorCode } from '../../runtime/coordinator-error.ts';
import type { CoordinatorRuntime } from '../../runtime/coordinator-runtime.ts';
import type { ClientIdentity } from '../group-context.ts';
import type { GroupMachine } from '../group-machine.ts';
import { describeStreamsGroup, type DescribedStreamsGroup } from './streams-group-description.ts';
import type { StreamsHeartbeatOutcome } from './streams-heartbeat.ts';
import { streamsRefusal } from './streams-request.ts';

export type StreamsGroupsOptions = {
  readonly runtime: CoordinatorRuntime<GroupCoordinatorRecord, GroupMachine>;
  readonly partitionFor: (groupId: string) => number;
};

export class StreamsGroups {
  readonly #options: StreamsGroupsOptions;

  constructor(options: StreamsGroupsOptions) {
    this.#options = options;
  }

  async heartbeat(client: ClientIdentity, request: StreamsGroupHeartbeatRequest): Promise<StreamsHeartbeatOutcome> {
    const refusal = streamsRefusal(request);
    if (refusal !== null) return { response: refusal, missingTopics: [] };
    const { runtime, partitionFor } = this.#options;
    return new Promise((resolve) =>
      runtime.write<StreamsHeartbeatOutcome>(
        partitionFor(request.groupId),
        (machine) => machine.streamsHeartbeat.heartbeat(client, request),
        (code, outcome) => resolve(outcome ?? { response: { errorCode: responseErrorCode(code) }, missingTopics: [] }),
      ),
    );
  }

  async describe(groupId: string): Promise<DescribedStreamsGroup> {
    if (groupId === '') return { groupId, errorCode: ErrorCode.INVALID_GROUP_ID };
    const { runtime, partitionFor } = this.#options;
    return new Promise((resolve) =>
      runtime.read(
        partitionFor(groupId),
        (machine) => describeStreamsGroup(machine.groups.get(groupId), groupId),
        (code, described) => resolve(described ?? { groupId, errorCode: responseErrorCode(code) }),
      ),
    );
  }
}
