// CreateAcls and DeleteAcls: what is written, what is refused and in whose words, which entries a filter means.

import { describe, expect, it } from 'vitest';
import { AclOperation, PatternType, PermissionType, ResourceType } from '../access/acl.ts';
import { standardAuthorizer } from '../access/access.ts';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { bootstrapRecords } from '../metadata/features.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, imageToRecords, type MetadataImage } from '../metadata/metadata-image.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { CreateAclsRequest } from '../protocol/messages/create-acls.ts';
import type { DeleteAclsRequest } from '../protocol/messages/delete-acls.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { createAcls, deleteAcls } from './acl-control.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import type { ControllerView, Decision } from './decision.ts';

type Creation = CreateAclsRequest['creations'][number];
type Filter = DeleteAclsRequest['filters'][number];

const provenance = { lastContainedOffset: 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 };

class Controller {
  image: MetadataImage = new MetadataDelta(emptyMetadataImage).replayAll(bootstrapRecords()).apply(provenance);
  readonly #settings: Record<string, string>;
  readonly #random = seededRandom(1, 'acls');

  constructor(authorizer = standardAuthorizer) {
    this.#settings = { 'node.id': '1', 'authorizer.class.name': authorizer };
  }

  create(...creations: Partial<Creation>[]) {
    const full = creations.map((each) => ({ ...readFoo, ...each }));
    return this.#run((view) => createAcls(view, { creations: full })).results;
  }

  delete(...filters: Partial<Filter>[]) {
    const full = filters.map((each) => ({ ...anything, ...each }));
    return this.#run((view) => deleteAcls(view, { filters: full })).filterResults;
  }

  #run<Response>(decide: (view: ControllerView) => Decision<Response>): Response {
    const { records, response } = decide({
      image: this.image,
      settings: new BrokerSettings(this.#settings),
      clusterId: 'cluster',
      random: this.#random,
      heartbeats: new BrokerHeartbeats(9000),
      nowMs: 0,
      nextOffset: 2,
    });
    this.image = new MetadataDelta(this.image).replayAll(records).apply(provenance);
    return response;
  }
}

const readFoo: Creation = {
  resourceType: ResourceType.TOPIC,
  resourceName: 'foo',
  resourcePatternType: PatternType.LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: AclOperation.READ,
  permissionType: PermissionType.ALLOW,
};

const anything: Filter = {
  resourceTypeFilter: ResourceType.ANY,
  resourceNameFilter: null,
  patternTypeFilter: PatternType.ANY,
  principalFilter: null,
  hostFilter: null,
  operation: AclOperation.ANY,
  permissionType: PermissionType.ANY,
};

const success = { errorCode: ErrorCode.NONE, errorMessage: null };

describe('CreateAcls', () => {
  it('writes an entry once, however often it is asked for', () => {
    const controller = new Controller();
    expect(controller.create({}, {}, { host: '10.0.0.1' })).toEqual([success, success, success]);
    expect(controller.create({})).toEqual([success]);
    expect([...controller.image.acls.values()].map(({ host }) => host)).toEqual(['*', '10.0.0.1']);
  });

  it('a snapshot holds what was created', () => {
    const controller = new Controller();
    controller.create({}, { operation: AclOperation.WRITE });
    const loaded = new MetadataDelta(emptyMetadataImage, { isSnapshot: true })
      .replayAll(imageToRecords(controller.image))
      .apply(provenance);
    expect(loaded.acls).toEqual(controller.image.acls);
  });

  it.each<[Partial<Creation>, string]>([
    [{ resourceType: ResourceType.ANY }, 'Invalid resourceType ANY'],
    [{ resourceType: 77 }, 'Invalid resourceType UNKNOWN'],
    [{ resourcePatternType: PatternType.MATCH }, 'Invalid patternType MATCH'],
    [{ resourcePatternType: PatternType.ANY }, 'Invalid patternType ANY'],
    [{ operation: AclOperation.ANY }, 'Invalid operation ANY'],
    [{ operation: -3 }, 'Invalid operation UNKNOWN'],
    [{ permissionType: PermissionType.ANY }, 'Invalid permissionType ANY'],
    [{ resourceName: '' }, 'Invalid empty resource name'],
    [{ resourceType: ResourceType.CLUSTER }, 'The only valid name for the CLUSTER resource is kafka-cluster'],
    [
      { principal: 'alice' },
      'Could not parse principal from `alice` (no colon is present separating the principal type from the principal name)',
    ],
  ])('%j is refused, the entry beside it is not', (creation, errorMessage) => {
    const controller = new Controller();
    const refused = { errorCode: ErrorCode.INVALID_REQUEST, errorMessage };
    expect(controller.create(creation, {})).toEqual([refused, success]);
    expect(controller.image.acls.size).toBe(1);
  });
});

describe('DeleteAcls', () => {
  const created: readonly (readonly [string, Partial<Creation>])[] = [
    ['foo', {}],
    ['foo write', { operation: AclOperation.WRITE }],
    ['foo of bob', { principal: 'User:bob' }],
    ['foo denied', { permissionType: PermissionType.DENY }],
    ['foo from 10.0.0.1', { host: '10.0.0.1' }],
    ['fo*', { resourceName: 'fo', resourcePatternType: PatternType.PREFIXED }],
    ['foo*', { resourceName: 'foo', resourcePatternType: PatternType.PREFIXED }],
    ['*', { resourceName: '*' }],
    ['bar', { resourceName: 'bar' }],
    ['group foo', { resourceType: ResourceType.GROUP }],
  ];
  const topicFoo = { resourceTypeFilter: ResourceType.TOPIC, resourceNameFilter: 'foo' };
  const ofFoo = ['foo', 'foo write', 'foo of bob', 'foo denied', 'foo from 10.0.0.1'];

  it.each<[string, Partial<Filter>, readonly string[]]>([
    ['anything', {}, created.map(([name]) => name)],
    ['a type', { resourceTypeFilter: ResourceType.GROUP }, ['group foo']],
    ['a name, literal', { ...topicFoo, patternTypeFilter: PatternType.LITERAL }, ofFoo],
    ['a name, prefixed', { ...topicFoo, patternTypeFilter: PatternType.PREFIXED }, ['foo*']],
    ['a name, any pattern', topicFoo, [...ofFoo, 'foo*']],
    ['what holds for a name', { ...topicFoo, patternTypeFilter: PatternType.MATCH }, [...ofFoo, 'fo*', 'foo*', '*']],
    [
      'what holds for another',
      { ...topicFoo, resourceNameFilter: 'fog', patternTypeFilter: PatternType.MATCH },
      ['fo*', '*'],
    ],
    ['all prefixes', { patternTypeFilter: PatternType.PREFIXED }, ['fo*', 'foo*']],
    ['the star alone', { resourceNameFilter: '*', patternTypeFilter: PatternType.LITERAL }, ['*']],
    ['a principal', { principalFilter: 'User:bob' }, ['foo of bob']],
    ['a host', { hostFilter: '10.0.0.1' }, ['foo from 10.0.0.1']],
    ['an operation', { operation: AclOperation.WRITE }, ['foo write']],
    ['a permission', { permissionType: PermissionType.DENY }, ['foo denied']],
    ['nothing there', { principalFilter: 'User:carol' }, []],
  ])('by %s', (_name, filter, expected) => {
    const controller = new Controller();
    controller.create(...created.map(([, creation]) => creation));
    const nameById = new Map([...controller.image.acls.keys()].map((id, index) => [id, created[index]?.[0]]));
    const [result] = controller.delete(filter);
    expect(result).toMatchObject({ ...success, matchingAcls: expected.map(() => success) });
    const left = [...controller.image.acls.keys()].map((id) => nameById.get(id));
    expect(created.map(([name]) => name).filter((name) => !left.includes(name))).toEqual(expected);
  });

  it('tells what it deleted, also where two filters mean the same entry', () => {
    const controller = new Controller();
    controller.create({});
    const { resourcePatternType: patternType, ...rest } = readFoo;
    const expected = { ...success, matchingAcls: [{ ...success, ...rest, patternType }] };
    expect(controller.delete({}, { principalFilter: 'User:alice' })).toEqual([expected, expected]);
    expect(controller.image.acls.size).toBe(0);
  });

  it.each<[Partial<Filter>, string]>([
    [{ resourceTypeFilter: 99 }, 'Unknown patternFilter.'],
    [{ patternTypeFilter: 99 }, 'Unknown patternFilter.'],
    [{ operation: 99 }, 'Unknown entryFilter.'],
    [{ permissionType: 99 }, 'Unknown entryFilter.'],
  ])('%j is refused', (filter, errorMessage) => {
    const controller = new Controller();
    controller.create({});
    const refused = { errorCode: ErrorCode.INVALID_REQUEST, errorMessage, matchingAcls: [] };
    expect(controller.delete(filter)).toEqual([refused]);
    expect(controller.image.acls.size).toBe(1);
  });
});

it('without an authorizer there is nothing to administer', () => {
  const controller = new Controller('');
  const refused = { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };
  expect(controller.create({})).toEqual([refused]);
  expect(controller.delete({})).toEqual([{ ...refused, matchingAcls: [] }]);
  expect(controller.image.acls.size).toBe(0);
});
