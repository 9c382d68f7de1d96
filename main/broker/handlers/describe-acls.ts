// DescribeAcls 1-3 (KIP-11, KIP-290), on both listeners: from the metadata image, entries of one pattern together.

import { AclOperation, isKnown, matchesFilter, PatternType, PermissionType, ResourceType } from '../../access/acl.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { DescribeAclsRequest, DescribeAclsResponse } from '../../protocol/messages/describe-acls.ts';
import type { Writable } from '../../protocol/schema.ts';

type Resource = DescribeAclsResponse['resources'][number];

export type DescribeAclsOptions = {
  readonly image: () => MetadataImage;
  readonly isAuthorizerOn: boolean;
};

export function createDescribeAclsHandler({ image, isAuthorizerOn }: DescribeAclsOptions) {
  return (_context: RequestContext, request: DescribeAclsRequest): Writable<DescribeAclsResponse> => {
    if (!isAuthorizerOn) {
      return {
        errorCode: ErrorCode.SECURITY_DISABLED,
        errorMessage: 'No Authorizer is configured on the broker',
        resources: [],
      };
    }
    // Kafka closes the connection over these; its clients can't send them.
    const isUnknown =
      !isKnown(ResourceType, request.resourceTypeFilter) ||
      !isKnown(PatternType, request.patternTypeFilter) ||
      !isKnown(AclOperation, request.operation) ||
      !isKnown(PermissionType, request.permissionType);
    if (isUnknown) {
      const errorMessage = 'DescribeAclsRequest contains UNKNOWN elements';
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage, resources: [] };
    }
    return { errorCode: ErrorCode.NONE, errorMessage: null, resources: matching(image(), request) };
  };
}

function matching(image: MetadataImage, request: DescribeAclsRequest): Resource[] {
  const filter = {
    resourceType: request.resourceTypeFilter,
    resourceName: request.resourceNameFilter,
    patternType: request.patternTypeFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: request.operation,
    permissionType: request.permissionType,
  };
  const byPattern = new Map<string, Resource & { acls: Resource['acls'][number][] }>();
  for (const acl of image.acls.values()) {
    if (!matchesFilter(filter, acl)) continue;
    const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = acl;
    const key = JSON.stringify([resourceType, resourceName, patternType]);
    const resource = byPattern.get(key) ?? { resourceType, resourceName, patternType, acls: [] };
    resource.acls.push({ principal, host, operation, permissionType });
    byPattern.set(key, resource);
  }
  return [...byPattern.values()];
}
