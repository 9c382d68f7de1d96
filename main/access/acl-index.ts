// The access control lists of one metadata image, found by resource: what holds for a name is its own entries, those
// of all names, and those of each of its prefixes. Made anew when an entry comes or goes, which is rare.

import type { AclsImage } from '../metadata/settings-image.ts';
import { PatternType, wildcard, type Acl } from './acl.ts';

type ByName = Map<string, Acl[]>;

type OfType = {
  readonly literal: ByName;
  readonly prefixed: ByName;
  /** Lengths that prefixes have, so that a name is cut only there. */
  readonly prefixLengths: Set<number>;
};

const none: readonly Acl[] = [];

export class AclIndex {
  readonly #byType = new Map<number, OfType>();

  constructor(acls: AclsImage) {
    for (const acl of acls.values()) this.#add(acl);
  }

  /** Calls `visit` with every entry whose pattern holds for the resource, until it returns true. */
  visit(resourceType: number, resourceName: string, visit: (acl: Acl) => boolean): void {
    const ofType = this.#byType.get(resourceType);
    if (ofType === undefined) return;
    if ((ofType.literal.get(resourceName) ?? none).some(visit)) return;
    if (resourceName !== wildcard && (ofType.literal.get(wildcard) ?? none).some(visit)) return;
    for (const length of ofType.prefixLengths) {
      if (length > resourceName.length) continue;
      if ((ofType.prefixed.get(resourceName.slice(0, length)) ?? none).some(visit)) return;
    }
  }

  /** All entries for resources of a type. */
  *ofType(resourceType: number): Generator<Acl> {
    const ofType = this.#byType.get(resourceType);
    if (ofType === undefined) return;
    for (const acls of ofType.literal.values()) yield* acls;
    for (const acls of ofType.prefixed.values()) yield* acls;
  }

  #add(acl: Acl): void {
    let ofType = this.#byType.get(acl.resourceType);
    if (ofType === undefined) {
      ofType = { literal: new Map(), prefixed: new Map(), prefixLengths: new Set() };
      this.#byType.set(acl.resourceType, ofType);
    }
    const byName = acl.patternType === PatternType.PREFIXED ? ofType.prefixed : ofType.literal;
    const { resourceName } = acl;
    const acls = byName.get(resourceName);
    if (acls === undefined) byName.set(resourceName, [acl]);
    else acls.push(acl);
    if (byName === ofType.prefixed) ofType.prefixLengths.add(resourceName.length);
  }
}
