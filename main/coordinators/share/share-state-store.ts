// What group coordinators and leaders of share partitions need of the share coordinators, wherever those are. Owned
// here, connected by the broker. Never rejects: what could not be done says so partition by partition.

import type {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from '../../protocol/messages/delete-share-group-state.ts';
import type {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from '../../protocol/messages/initialize-share-group-state.ts';
import type {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from '../../protocol/messages/read-share-group-state.ts';
import type {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from '../../protocol/messages/read-share-group-state-summary.ts';
import type {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from '../../protocol/messages/write-share-group-state.ts';

export type ShareStateStore = {
  initialize(request: InitializeShareGroupStateRequest): Promise<InitializeShareGroupStateResponse>;
  read(request: ReadShareGroupStateRequest): Promise<ReadShareGroupStateResponse>;
  write(request: WriteShareGroupStateRequest): Promise<WriteShareGroupStateResponse>;
  delete(request: DeleteShareGroupStateRequest): Promise<DeleteShareGroupStateResponse>;
  readSummary(request: ReadShareGroupStateSummaryRequest): Promise<ReadShareGroupStateSummaryResponse>;
};
