// Who may do what, as Kafka's StandardAuthorizer decides it: super users may do everything; an entry that denies beats
// all that allow; where no entry names the resource, a setting decides (by default: nobody may). Pure but for the
// index of the present entries, which it keeps.

import type { AclsImage } from '../metadata/settings-image.ts';
import type { Requester } from '../net/handler.ts';
import {
  AclOperation,
  PatternType,
  PermissionType,
  wildcard,
  wildcardPrincipal,
  type Acl,
  type ResourceType,
} from './acl.ts';
import { AclIndex } from './acl-index.ts';

export type AuthorizerOptions = {
  /** As `super.users` names them: `User:alice`. */
  readonly superUsers: ReadonlySet<string>;
  /** `allow.everyone.if.no.acl.found`. */
  readonly allowsWithoutAcl: boolean;
  readonly acls: () => AclsImage;
};

/** Who is allowed one of these may also describe. An entry that denies them does not deny that. */
const impliesDescribe: ReadonlySet<number> = new Set([
  AclOperation.DESCRIBE,
  AclOperation.READ,
  AclOperation.WRITE,
  AclOperation.DELETE,
  AclOperation.ALTER,
]);
const impliesDescribeConfigs: ReadonlySet<number> = new Set([
  AclOperation.DESCRIBE_CONFIGS,
  AclOperation.ALTER_CONFIGS,
]);

export class Authorizer {
  readonly #options: AuthorizerOptions;
  #index: { readonly of: AclsImage; readonly acls: AclIndex } | null = null;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  isSuperUser(principal: string): boolean {
    return this.#options.superUsers.has(principal);
  }

  allows(requester: Requester, operation: AclOperation, resourceType: ResourceType, resourceName: string): boolean {
    if (this.isSuperUser(requester.principal)) return true;
    let hasAcls = false;
    let isAllowed = false;
    let isDenied = false;
    this.#acls().visit(resourceType, resourceName, (acl) => {
      hasAcls = true;
      if (concerns(acl, requester) && covers(acl, operation)) {
        if (acl.permissionType === PermissionType.ALLOW) isAllowed = true;
        else isDenied = true;
      }
      return isDenied;
    });
    if (isDenied) return false;
    return isAllowed || (!hasAcls && this.#options.allowsWithoutAcl);
  }

  /**
   * Whether there is any resource of the type with which the operation is allowed (KIP-679). Kafka asks about a name
   * that nobody uses first, for super users and for what holds without entries; implied operations don't count here.
   */
  allowsWithAny(requester: Requester, operation: AclOperation, resourceType: ResourceType): boolean {
    if (this.allows(requester, operation, resourceType, 'hardcode')) return true;
    const allowed: Acl[] = [];
    const deniedNames = new Set<string>();
    const deniedPrefixes = new Set<string>();
    for (const acl of this.#acls().ofType(resourceType)) {
      if (!concerns(acl, requester)) continue;
      if (acl.operation !== operation && acl.operation !== AclOperation.ALL) continue;
      if (acl.permissionType === PermissionType.ALLOW) allowed.push(acl);
      else if (acl.patternType === PatternType.PREFIXED) deniedPrefixes.add(acl.resourceName);
      else if (acl.resourceName === wildcard) return false;
      else deniedNames.add(acl.resourceName);
    }
    return allowed.some(({ resourceName, patternType }) => {
      if (patternType === PatternType.LITERAL && resourceName === wildcard) return true;
      if (patternType === PatternType.LITERAL && deniedNames.has(resourceName)) return false;
      return !prefixesOf(resourceName).some((prefix) => deniedPrefixes.has(prefix));
    });
  }

  #acls(): AclIndex {
    const acls = this.#options.acls();
    if (this.#index?.of !== acls) this.#index = { of: acls, acls: new AclIndex(acls) };
    return this.#index.acls;
  }
}

function concerns(acl: Acl, { principal, clientAddress }: Requester): boolean {
  const isForPrincipal = acl.principal === principal || acl.principal === wildcardPrincipal;
  return isForPrincipal && (acl.host === clientAddress || acl.host === wildcard);
}

function covers(acl: Acl, operation: AclOperation): boolean {
  if (acl.operation === AclOperation.ALL || acl.operation === operation) return true;
  if (acl.permissionType !== PermissionType.ALLOW) return false;
  if (operation === AclOperation.DESCRIBE) return impliesDescribe.has(acl.operation);
  return operation === AclOperation.DESCRIBE_CONFIGS && impliesDescribeConfigs.has(acl.operation);
}

function prefixesOf(name: string): string[] {
  return Array.from({ length: name.length }, (_each, index) => name.slice(0, index + 1));
}
