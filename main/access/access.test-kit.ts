// An authorizer over entries and topics that are written as text. For tests.

import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, type MetadataImage } from '../metadata/metadata-image.ts';
import type { AclsImage } from '../metadata/settings-image.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { Access, standardAuthorizer } from './access.ts';
import { AclOperation, PatternType, PermissionType, ResourceType, type Acl } from './acl.ts';

/** `ALLOW User:alice READ on TOPIC foo`, `DENY User:* ALL on GROUP g* from 10.0.0.1`; a star at the end: prefixed. */
export function acl(text: string): Acl {
  const [, permission, principal, operation, type, name = '', host = '*'] =
    /^(ALLOW|DENY) (\S+) (\S+) on (\S+) (\S+)(?: from (\S+))?$/.exec(text) ?? [];
  if (permission === undefined) throw new Error(`not an entry: ${text}`);
  const isPrefixed = name.length > 1 && name.endsWith('*');
  return {
    permissionType: PermissionType[permission as 'ALLOW' | 'DENY'],
    principal: principal as string,
    operation: AclOperation[operation as keyof typeof AclOperation],
    resourceType: ResourceType[type as keyof typeof ResourceType],
    resourceName: isPrefixed ? name.slice(0, -1) : name,
    patternType: isPrefixed ? PatternType.PREFIXED : PatternType.LITERAL,
    host,
  };
}

export function aclsImage(texts: readonly string[]): AclsImage {
  return new Map(texts.map((text, index) => [String(index), { id: String(index), ...acl(text) }]));
}

/** `orders` → an id that starts with its name. */
export function topicIdOf(name: string): string {
  return name.padEnd(21, '0') + 'A';
}

function imageWith(topics: readonly string[], acls: readonly string[]): MetadataImage {
  const records = topics.map((name): MetadataRecord => ({
    name: 'TopicRecord',
    version: 0,
    value: { name, topicId: topicIdOf(name) },
  }));
  const provenance = { lastContainedOffset: 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 };
  const image = new MetadataDelta(emptyMetadataImage).replayAll(records).apply(provenance);
  return { ...image, acls: aclsImage(acls) };
}

export type TestAccess = {
  readonly acls?: readonly string[];
  readonly topics?: readonly string[];
  readonly superUsers?: string;
  readonly whenReady?: Promise<void>;
};

/** `User:root` may do everything. Resolves when the access is ready, unless the test says when that is. */
export async function testAccess(given: TestAccess = {}): Promise<Access> {
  const image = imageWith(given.topics ?? [], given.acls ?? []);
  const settings = new BrokerSettings({
    'node.id': '1',
    'authorizer.class.name': standardAuthorizer,
    'super.users': given.superUsers ?? 'User:root',
  });
  const access = new Access({ settings, image: () => image, whenReady: given.whenReady ?? Promise.resolve() });
  if (given.whenReady === undefined) await access.whenReady;
  return access;
}
