// Kafka's requests that change the voters (KIP-853) and the quorum's own messages, both ways. Pure.

import { toBrokerId } from '../core/ids.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/add-raft-voter.ts';
import type { ApiVersionsRequest, ApiVersionsResponse } from '../protocol/messages/api-versions.ts';
import type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '../protocol/messages/remove-raft-voter.ts';
import type { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from '../protocol/messages/update-raft-voter.ts';
import type { Writable } from '../protocol/schema.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import type { Endpoint, Voter } from './contract.ts';
import type {
  AddVoterAsk,
  ChangeVotersAnswer,
  RemoveVoterAsk,
  UpdateVoterAsk,
  VersionsAnswer,
} from './quorum-types.ts';
import { directoryOrNull, fromCode, leaderOf, type WireContext } from './wire-messages.ts';

/** A request, or how it is refused before the quorum sees it. */
export type ParsedChange<A> =
  { readonly ask: A } | { readonly errorCode: number; readonly errorMessage: string | null };

/** What these requests take for granted of whom they are sent to, in Kafka's order: this cluster, and its leader. */
export type ChangeContext = { readonly wire: WireContext; readonly isLeader: boolean };

function refusal(
  { wire, isLeader }: ChangeContext,
  clusterId: string | null,
): { readonly errorCode: number; readonly errorMessage: string | null } | null {
  if (clusterId !== null && clusterId !== wire.clusterId) {
    const errorMessage = `The given id "${clusterId}" doesn't match the cluster id "${wire.clusterId}"`;
    return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, errorMessage };
  }
  return isLeader ? null : { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, errorMessage: null };
}

const invalid = (errorMessage: string | null) => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });

export function parseAddVoter(context: ChangeContext, request: AddRaftVoterRequest): ParsedChange<AddVoterAsk> {
  const refused = refusal(context, request.clusterId);
  if (refused !== null) return refused;
  const { voterId, voterDirectoryId, ackWhenCommitted, listeners } = request;
  if (voterId < 0 || directoryOrNull(voterDirectoryId) === null) {
    return invalid("Add voter request didn't include a valid voter");
  }
  const { listenerName } = context.wire;
  const voter = voterOf(voterId, voterDirectoryId, listeners, listenerName);
  if (voter === null) {
    const message = `Add voter request didn't include the endpoint (${endpointsText(listeners)}) for the default listener`;
    return invalid(`${message} ListenerName(${listenerName})`);
  }
  return { ask: { api: 'addVoter', voter, ackWhenCommitted } };
}

export function parseRemoveVoter(
  context: ChangeContext,
  request: RemoveRaftVoterRequest,
): ParsedChange<RemoveVoterAsk> {
  const refused = refusal(context, request.clusterId);
  if (refused !== null) return refused;
  const directoryId = directoryOrNull(request.voterDirectoryId);
  if (request.voterId < 0 || directoryId === null) {
    return invalid("Remove voter request didn't include a valid voter");
  }
  return { ask: { api: 'removeVoter', voter: { id: request.voterId, directoryId } } };
}

export function parseUpdateVoter(wire: WireContext, request: UpdateRaftVoterRequest): ParsedChange<UpdateVoterAsk> {
  const refused = refusal({ wire, isLeader: true }, request.clusterId);
  if (refused !== null) return refused;
  const { voterId, voterDirectoryId, listeners, currentLeaderEpoch: epoch, kRaftVersionFeature } = request;
  const { minSupportedVersion: min, maxSupportedVersion: max } = kRaftVersionFeature;
  const voter = voterOf(voterId, voterDirectoryId, listeners, wire.listenerName);
  const isValid = voterId >= 0 && directoryOrNull(voterDirectoryId) !== null && min >= 0 && max >= min;
  if (!isValid || voter === null) return invalid(null);
  return { ask: { api: 'updateVoter', epoch, voter: { ...voter, kraftVersions: { min, max } } } };
}

function voterOf(id: number, directoryId: string, listeners: readonly Endpoint[], listenerName: string): Voter | null {
  const endpoint = listeners.find(({ name }) => name === listenerName);
  if (endpoint === undefined) return null;
  const endpoints = listeners.map(({ name, host, port }) => ({ name, host, port }));
  return { id: toBrokerId(id), host: endpoint.host, port: endpoint.port, directoryId, endpoints };
}

function endpointsText(listeners: readonly Endpoint[]): string {
  const texts = listeners.map(({ name, host, port }) => `ListenerName(${name})=${host}/<unresolved>:${port}`);
  return `Endpoints(endpoints={${texts.join(', ')}})`;
}

// ── requests that this node sends, and what comes back ─────────────────────────────────────────────────────────

export function addVoterRequest(wire: WireContext, ask: AddVoterAsk, timeoutMs: number): Writable<AddRaftVoterRequest> {
  const { clusterId } = wire;
  return { clusterId, timeoutMs, ...voterFields(ask.voter), ackWhenCommitted: ask.ackWhenCommitted };
}

export function removeVoterRequest(wire: WireContext, { voter }: RemoveVoterAsk): Writable<RemoveRaftVoterRequest> {
  return { clusterId: wire.clusterId, voterId: voter.id, voterDirectoryId: voter.directoryId ?? zeroUuid };
}

export function updateVoterRequest(wire: WireContext, ask: UpdateVoterAsk): Writable<UpdateRaftVoterRequest> {
  const { min = 0, max = 0 } = ask.voter.kraftVersions ?? {};
  return {
    clusterId: wire.clusterId,
    currentLeaderEpoch: ask.epoch,
    ...voterFields(ask.voter),
    kRaftVersionFeature: { minSupportedVersion: min, maxSupportedVersion: max },
  };
}

function voterFields({ id, directoryId = zeroUuid, endpoints = [] }: Voter) {
  const listeners = endpoints.map(({ name, host, port }) => ({ name, host, port }));
  return { voterId: id, voterDirectoryId: directoryId, listeners };
}

export function versionsRequest(): Writable<ApiVersionsRequest> {
  return { clientSoftwareName: 'highwater', clientSoftwareVersion: '1' };
}

/** These answers say nothing of epochs and leaders. */
export function parseChangeResponse(
  api: 'addVoter' | 'removeVoter',
  response: AddRaftVoterResponse | RemoveRaftVoterResponse,
): ChangeVotersAnswer {
  const { errorCode, errorMessage: message } = response;
  return { api, error: fromCode(errorCode), message, epoch: -1, leader: null };
}

export function parseUpdateResponse(response: UpdateRaftVoterResponse): ChangeVotersAnswer {
  const { leaderEpoch: epoch, leaderId } = response.currentLeader;
  return { api: 'updateVoter', error: fromCode(response.errorCode), message: null, epoch, leader: leaderOf(leaderId) };
}

export function parseVersionsResponse(response: ApiVersionsResponse): VersionsAnswer {
  const feature = response.supportedFeatures.find(({ name }) => name === 'kraft.version');
  const kraftVersions = feature === undefined ? null : { min: feature.minVersion, max: feature.maxVersion };
  return { api: 'apiVersions', error: fromCode(response.errorCode), kraftVersions, epoch: -1, leader: null };
}
