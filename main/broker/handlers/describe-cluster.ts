// DescribeCluster (60), versions 0-2, on both listeners: brokers are told by brokers, controllers by controllers
// (KIP-919); fenced brokers when asked (KIP-1073).

import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeClusterRequest, DescribeClusterResponse } from '../../protocol/messages/describe-cluster.ts';
import type { Writable } from '../../protocol/schema.ts';
import type { Endpoint } from '../../metadata/cluster-image.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { clusterOperations, operationsNotAsked } from './authorized-operations.ts';

const EndpointType = { UNKNOWN: 0, BROKER: 1, CONTROLLER: 2 } as const;

type Node = {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
};

export function createDescribeClusterHandler(deps: {
  readonly image: () => MetadataImage;
  readonly clusterId: string;
  readonly controllerListenerName: string;
  readonly activeController: () => number | null;
}) {
  return (context: RequestContext, request: DescribeClusterRequest): Writable<DescribeClusterResponse> => {
    const image = deps.image();
    const isOnController = context.listener === 'controller';
    const own = isOnController ? EndpointType.CONTROLLER : EndpointType.BROKER;
    if (request.endpointType !== own) return mismatch(request.endpointType, isOnController);
    const nodes = isOnController
      ? controllerNodes(image, deps.controllerListenerName)
      : brokerNodes(image, context.listenerName, request.includeFencedBrokers);
    const active = deps.activeController();
    return {
      errorCode: ErrorCode.NONE,
      endpointType: own,
      clusterId: deps.clusterId,
      controllerId: nodes.some((node) => node.brokerId === active) ? (active ?? -1) : (nodes[0]?.brokerId ?? -1),
      // The flag exists from version 2 on only.
      brokers: context.apiVersion >= 2 ? nodes : nodes.map((node) => ({ ...node, isFenced: false })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
    };
  };
}

function mismatch(asked: number, isOnController: boolean): Writable<DescribeClusterResponse> {
  if (asked !== EndpointType.BROKER && asked !== EndpointType.CONTROLLER) {
    return { errorCode: ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, errorMessage: `Unsupported endpoint type ${asked}` };
  }
  const errorMessage = isOnController
    ? 'The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER'
    : 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER';
  return { errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE, errorMessage };
}

function brokerNodes(image: MetadataImage, listenerName: string, includesFenced: boolean): Node[] {
  return [...image.cluster.brokers.values()].flatMap(({ id, endpoints, rack, isFenced }) => {
    const endpoint = find(endpoints, listenerName);
    if (endpoint === null || (isFenced && !includesFenced)) return [];
    return [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack, isFenced }];
  });
}

function controllerNodes(image: MetadataImage, listenerName: string): Node[] {
  return [...image.cluster.controllers.values()].flatMap(({ id, endpoints }) => {
    const endpoint = find(endpoints, listenerName);
    return endpoint === null
      ? []
      : [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false }];
  });
}

function find(endpoints: readonly Endpoint[], name: string): Endpoint | null {
  return endpoints.find((endpoint) => endpoint.name === name) ?? null;
}
