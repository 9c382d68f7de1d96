// LeaderConnections over the wire: long polls have connections of their own, questions about offsets go beside them.

import type { BrokerId } from '../core/ids.ts';
import type { NodeConnections } from '../net/node-connections.ts';
import { fetchApi, type FetchRequest, type FetchResponse } from '../protocol/messages/fetch.ts';
import {
  listOffsetsApi,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../protocol/messages/list-offsets.ts';
import type { Writable } from '../protocol/schema.ts';
import type { LeaderConnections } from './contract.ts';

export class NodeLeaderConnections implements LeaderConnections {
  private readonly polls: NodeConnections;
  private readonly questions: NodeConnections;
  private readonly timeoutMs: number;

  /** `timeoutMs`: `replica.socket.timeout.ms`, longer than any poll waits. */
  constructor(polls: NodeConnections, questions: NodeConnections, timeoutMs: number) {
    this.polls = polls;
    this.questions = questions;
    this.timeoutMs = timeoutMs;
  }

  fetch(leader: BrokerId, request: Writable<FetchRequest>): Promise<FetchResponse> {
    return this.polls.send(leader, fetchApi, request, { timeoutMs: this.timeoutMs });
  }

  listOffsets(leader: BrokerId, request: Writable<ListOffsetsRequest>): Promise<ListOffsetsResponse> {
    return this.questions.send(leader, listOffsetsApi, request, { timeoutMs: this.timeoutMs });
  }
}
