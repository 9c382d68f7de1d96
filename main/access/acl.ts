// The words of access control lists: kinds of resources, patterns, operations and permissions by their numbers on the
// wire and in the metadata log, and which lists a filter means (KIP-11, KIP-290). Pure.

import type { AccessControlEntryRecord } from '../protocol/messages/metadata-records.ts';

export const ResourceType = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const;
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType];

export const PatternType = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const;

export const AclOperation = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const;
export type AclOperation = (typeof AclOperation)[keyof typeof AclOperation];

/** The operations that a resource of a type knows. */
export const operationsOf: Readonly<Partial<Record<ResourceType, readonly AclOperation[]>>> = {
  [ResourceType.TOPIC]: [
    AclOperation.READ,
    AclOperation.WRITE,
    AclOperation.CREATE,
    AclOperation.DESCRIBE,
    AclOperation.DELETE,
    AclOperation.ALTER,
    AclOperation.DESCRIBE_CONFIGS,
    AclOperation.ALTER_CONFIGS,
  ],
  [ResourceType.GROUP]: [
    AclOperation.READ,
    AclOperation.DESCRIBE,
    AclOperation.DELETE,
    AclOperation.DESCRIBE_CONFIGS,
    AclOperation.ALTER_CONFIGS,
  ],
  [ResourceType.CLUSTER]: [
    AclOperation.CREATE,
    AclOperation.CLUSTER_ACTION,
    AclOperation.DESCRIBE_CONFIGS,
    AclOperation.ALTER_CONFIGS,
    AclOperation.IDEMPOTENT_WRITE,
    AclOperation.ALTER,
    AclOperation.DESCRIBE,
  ],
};

/** As clients are told of them: a bit for each operation, at its number. */
export function operationBits(operations: readonly AclOperation[] = []): number {
  return operations.reduce<number>((bits, operation) => bits | (1 << operation), 0);
}

export const PermissionType = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const;

/** Any host, any name. */
export const wildcard = '*';
export const wildcardPrincipal = 'User:*';
/** The only name that the resource CLUSTER has. */
export const clusterName = 'kafka-cluster';

/** One entry: this principal from this host may (or may not) do this with what the pattern names. */
export type Acl = Omit<AccessControlEntryRecord, 'id'>;

/** Null: any. */
export type AclFilter = {
  readonly resourceType: number;
  readonly resourceName: string | null;
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permissionType: number;
};

/** What has no name here is unknown, whatever its number. */
export function codeName(codes: Readonly<Record<string, number>>, code: number): string {
  for (const [name, each] of Object.entries(codes)) if (each === code) return name;
  return 'UNKNOWN';
}

export function isKnown(codes: Readonly<Record<string, number>>, code: number): boolean {
  return codeName(codes, code) !== 'UNKNOWN';
}

/** Two entries that say the same are one. */
export function aclKey(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = acl;
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permissionType]);
}

export function matchesFilter(filter: AclFilter, acl: Acl): boolean {
  return (
    matchesPattern(filter, acl) &&
    (filter.principal === null || filter.principal === acl.principal) &&
    (filter.host === null || filter.host === acl.host) &&
    (filter.operation === AclOperation.ANY || filter.operation === acl.operation) &&
    (filter.permissionType === PermissionType.ANY || filter.permissionType === acl.permissionType)
  );
}

/** MATCH: all patterns that hold for a resource of that name. ANY, LITERAL, PREFIXED: patterns of just that name. */
function matchesPattern(filter: AclFilter, acl: Acl): boolean {
  if (filter.resourceType !== ResourceType.ANY && filter.resourceType !== acl.resourceType) return false;
  const { patternType, resourceName } = filter;
  const isAnyPattern = patternType === PatternType.ANY || patternType === PatternType.MATCH;
  if (!isAnyPattern && patternType !== acl.patternType) return false;
  if (resourceName === null) return true;
  if (patternType !== PatternType.MATCH) return resourceName === acl.resourceName;
  if (acl.patternType === PatternType.PREFIXED) return resourceName.startsWith(acl.resourceName);
  return resourceName === acl.resourceName || acl.resourceName === wildcard;
}
