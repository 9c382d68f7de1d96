// CreateAcls and DeleteAcls: entries of access control lists (KIP-11, KIP-290). Pure; each entry and each filter
// succeeds or fails by itself, with Kafka's words. What the entries mean is main/access.

import {
  aclKey,
  AclOperation,
  clusterName,
  codeName,
  isKnown,
  matchesFilter,
  PatternType,
  PermissionType,
  ResourceType,
  type Acl,
} from '../access/acl.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { CreateAclsRequest, CreateAclsResponse } from '../protocol/messages/create-acls.ts';
import type { DeleteAclsRequest, DeleteAclsResponse } from '../protocol/messages/delete-acls.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { randomUuid } from '../protocol/uuid.ts';
import {
  ApiError,
  attempt,
  noError,
  recordsPerRequestMax,
  refuseTooManyRecords,
  type ControllerView,
  type Decision,
  type PartError,
} from './decision.ts';

type Creation = CreateAclsRequest['creations'][number];
type Filter = DeleteAclsRequest['filters'][number];
type FilterResult = DeleteAclsResponse['filterResults'][number];

export function createAcls(view: ControllerView, request: CreateAclsRequest): Decision<CreateAclsResponse> {
  const refusal = securityDisabled(view);
  if (refusal !== null) {
    return { records: [], response: { throttleTimeMs: 0, results: request.creations.map(() => refusal) } };
  }
  const existing = new Set([...view.image.acls.values()].map(aclKey));
  const records: MetadataRecord[] = [];
  const results = request.creations.map((creation) =>
    attempt(() => {
      checkNewAcl(creation);
      const acl = aclOf(creation);
      const key = aclKey(acl);
      // Creating what is there already succeeds.
      if (existing.has(key)) return;
      existing.add(key);
      records.push({ name: 'AccessControlEntryRecord', version: 0, value: { id: newAclId(view), ...acl } });
    }),
  );
  refuseTooManyRecords(records.length);
  return { records, response: { throttleTimeMs: 0, results } };
}

export function deleteAcls(view: ControllerView, request: DeleteAclsRequest): Decision<DeleteAclsResponse> {
  const refusal = securityDisabled(view);
  if (refusal !== null) {
    const filterResults = request.filters.map((): FilterResult => ({ ...refusal, matchingAcls: [] }));
    return { records: [], response: { throttleTimeMs: 0, filterResults } };
  }
  const ids = new Set<string>();
  const filterResults = request.filters.map((filter): FilterResult => {
    const matching: Acl[] = [];
    const error = attempt(() => {
      checkFilter(filter);
      for (const acl of view.image.acls.values()) {
        if (!matchesFilter(filterOf(filter), acl)) continue;
        matching.push(acl);
        ids.add(acl.id);
      }
    });
    return { ...error, matchingAcls: matching.map((acl) => ({ ...noError, ...withoutId(acl) })) };
  });
  if (ids.size > recordsPerRequestMax) {
    const message = `Cannot remove more than ${recordsPerRequestMax} acls in a single delete operation.`;
    throw new ApiError(ErrorCode.INVALID_REQUEST, message);
  }
  const records = [...ids].map((id): MetadataRecord => ({
    name: 'RemoveAccessControlEntryRecord',
    version: 0,
    value: { id },
  }));
  return { records, response: { throttleTimeMs: 0, filterResults } };
}

/** Without an authorizer there is nothing to administer. */
function securityDisabled({ settings }: ControllerView): PartError | null {
  if ((settings.text('authorizer.class.name') ?? '') !== '') return null;
  return { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };
}

function newAclId(view: ControllerView): string {
  for (;;) {
    const id = randomUuid(view.random);
    if (!view.image.acls.has(id)) return id;
  }
}

function checkNewAcl(creation: Creation): void {
  const { resourceType, resourceName, resourcePatternType, principal, operation, permissionType } = creation;
  if (resourceType === ResourceType.CLUSTER && resourceName !== clusterName) {
    throw invalid(`The only valid name for the CLUSTER resource is ${clusterName}`);
  }
  if (resourceName === '') throw invalid('Invalid empty resource name');
  if (!isKnown(ResourceType, resourceType) || resourceType === ResourceType.ANY) {
    throw invalid(`Invalid resourceType ${codeName(ResourceType, resourceType)}`);
  }
  if (resourcePatternType !== PatternType.LITERAL && resourcePatternType !== PatternType.PREFIXED) {
    throw invalid(`Invalid patternType ${codeName(PatternType, resourcePatternType)}`);
  }
  if (!isKnown(AclOperation, operation) || operation === AclOperation.ANY) {
    throw invalid(`Invalid operation ${codeName(AclOperation, operation)}`);
  }
  if (permissionType !== PermissionType.DENY && permissionType !== PermissionType.ALLOW) {
    throw invalid(`Invalid permissionType ${codeName(PermissionType, permissionType)}`);
  }
  if (!principal.includes(':')) {
    const reason = '(no colon is present separating the principal type from the principal name)';
    throw invalid(`Could not parse principal from \`${principal}\` ${reason}`);
  }
}

function checkFilter({ resourceTypeFilter, patternTypeFilter, operation, permissionType }: Filter): void {
  if (!isKnown(ResourceType, resourceTypeFilter) || !isKnown(PatternType, patternTypeFilter)) {
    throw invalid('Unknown patternFilter.');
  }
  if (!isKnown(AclOperation, operation) || !isKnown(PermissionType, permissionType)) {
    throw invalid('Unknown entryFilter.');
  }
}

function aclOf({ resourcePatternType, ...rest }: Creation): Acl {
  return { ...rest, patternType: resourcePatternType };
}

function filterOf(filter: Filter): Parameters<typeof matchesFilter>[0] {
  return {
    resourceType: filter.resourceTypeFilter,
    resourceName: filter.resourceNameFilter,
    patternType: filter.patternTypeFilter,
    principal: filter.principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permissionType: filter.permissionType,
  };
}

function withoutId({ resourceType, resourceName, patternType, principal, host, operation, permissionType }: Acl): Acl {
  return { resourceType, resourceName, patternType, principal, host, operation, permissionType };
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message);
}
