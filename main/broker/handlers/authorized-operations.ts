// The operations that Kafka lists as allowed when there is no authorizer: all that the resource knows, as bits.

import { operationBits, operationsOf, ResourceType } from '../../access/acl.ts';

/** What stands in a response when nobody asked. */
export const operationsNotAsked = -2147483648;

export const topicOperations = operationBits(operationsOf[ResourceType.TOPIC]);
export const clusterOperations = operationBits(operationsOf[ResourceType.CLUSTER]);
export const groupOperations = operationBits(operationsOf[ResourceType.GROUP]);
