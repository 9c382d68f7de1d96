// What the authorizer decides, as tables: the entries that there are, who asks for what, and the answer.

import { describe, expect, it } from 'vitest';
import { AclOperation, ResourceType } from './acl.ts';
import { aclsImage } from './access.test-kit.ts';
import { Authorizer } from './authorizer.ts';

function authorizer(texts: readonly string[], allowsWithoutAcl = false): Authorizer {
  const acls = aclsImage(texts);
  return new Authorizer({ superUsers: new Set(['User:root']), allowsWithoutAcl, acls: () => acls });
}

type Question = readonly [who: string, operation: keyof typeof AclOperation, topic: string];

function ask(acls: readonly string[], [who, operation, topic]: Question, allowsWithoutAcl = false): boolean {
  const [principal = '', clientAddress = '127.0.0.1'] = who.split('@');
  const requester = { principal, clientAddress };
  return authorizer(acls, allowsWithoutAcl).allows(requester, AclOperation[operation], ResourceType.TOPIC, topic);
}

const readFoo = 'ALLOW User:alice READ on TOPIC foo';

describe('one entry', () => {
  const table: readonly (readonly [entry: string, question: Question, answer: boolean])[] = [
    // Principals and resources.
    [readFoo, ['User:alice', 'READ', 'foo'], true],
    [readFoo, ['User:bob', 'READ', 'foo'], false],
    [readFoo, ['Group:alice', 'READ', 'foo'], false],
    [readFoo, ['User:alice', 'READ', 'fo'], false],
    [readFoo, ['User:alice', 'READ', 'foobar'], false],
    ['ALLOW User:* READ on TOPIC foo', ['User:bob', 'READ', 'foo'], true],
    ['ALLOW Group:* READ on TOPIC foo', ['Group:staff', 'READ', 'foo'], false],
    ['ALLOW User:alice READ on TOPIC *', ['User:alice', 'READ', 'any'], true],
    ['ALLOW User:alice READ on GROUP foo', ['User:alice', 'READ', 'foo'], false],
    // Prefixes.
    ['ALLOW User:alice READ on TOPIC foo*', ['User:alice', 'READ', 'foo'], true],
    ['ALLOW User:alice READ on TOPIC foo*', ['User:alice', 'READ', 'foobar'], true],
    ['ALLOW User:alice READ on TOPIC foo*', ['User:alice', 'READ', 'fo'], false],
    ['ALLOW User:alice READ on TOPIC foo*', ['User:alice', 'READ', 'barfoo'], false],
    // Hosts.
    [`${readFoo} from 10.0.0.1`, ['User:alice@10.0.0.1', 'READ', 'foo'], true],
    [`${readFoo} from 10.0.0.1`, ['User:alice@10.0.0.2', 'READ', 'foo'], false],
    // Operations: all, and those that another implies.
    ['ALLOW User:alice ALL on TOPIC foo', ['User:alice', 'ALTER_CONFIGS', 'foo'], true],
    [readFoo, ['User:alice', 'WRITE', 'foo'], false],
    ...(['READ', 'WRITE', 'DELETE', 'ALTER', 'DESCRIBE'] as const).map(
      (operation) => [`ALLOW User:alice ${operation} on TOPIC foo`, ['User:alice', 'DESCRIBE', 'foo'], true] as const,
    ),
    ...(['CREATE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'] as const).map(
      (operation) => [`ALLOW User:alice ${operation} on TOPIC foo`, ['User:alice', 'DESCRIBE', 'foo'], false] as const,
    ),
    ['ALLOW User:alice ALTER_CONFIGS on TOPIC foo', ['User:alice', 'DESCRIBE_CONFIGS', 'foo'], true],
    ['ALLOW User:alice ALTER on TOPIC foo', ['User:alice', 'DESCRIBE_CONFIGS', 'foo'], false],
    ['ALLOW User:alice DESCRIBE on TOPIC foo', ['User:alice', 'READ', 'foo'], false],
  ];

  it.each(table)('%s, asked %j: %s', (entry, question, answer) => {
    expect(ask([entry], question)).toBe(answer);
  });
});

describe('an entry that denies', () => {
  const table: readonly (readonly [entries: readonly string[], question: Question, answer: boolean])[] = [
    [[readFoo, 'DENY User:alice READ on TOPIC foo'], ['User:alice', 'READ', 'foo'], false],
    [['DENY User:* ALL on TOPIC *', readFoo], ['User:alice', 'READ', 'foo'], false],
    [['DENY User:alice READ on TOPIC f*', readFoo], ['User:alice', 'READ', 'foo'], false],
    [['DENY User:alice READ on TOPIC foo', 'ALLOW User:alice READ on TOPIC *'], ['User:alice', 'READ', 'foo'], false],
    [['DENY User:alice READ on TOPIC foo from 10.0.0.9', readFoo], ['User:alice', 'READ', 'foo'], true],
    [['DENY User:bob READ on TOPIC foo', readFoo], ['User:alice', 'READ', 'foo'], true],
    // It implies nothing: describing goes on.
    [
      ['DENY User:alice READ on TOPIC foo', 'ALLOW User:alice WRITE on TOPIC foo'],
      ['User:alice', 'DESCRIBE', 'foo'],
      true,
    ],
    [['DENY User:alice DESCRIBE on TOPIC foo', readFoo], ['User:alice', 'DESCRIBE', 'foo'], false],
    [['DENY User:alice DESCRIBE on TOPIC foo', readFoo], ['User:alice', 'READ', 'foo'], true],
    // Not even it stops a super user.
    [['DENY User:* ALL on TOPIC *'], ['User:root', 'DELETE', 'foo'], true],
  ];

  it.each(table)('%j, asked %j: %s', (entries, question, answer) => {
    expect(ask(entries, question)).toBe(answer);
    expect(ask([...entries].reverse(), question)).toBe(answer);
  });
});

describe('where no entry names the resource', () => {
  it.each([
    [[], 'foo', true],
    // An entry for somebody else names it all the same.
    [['ALLOW User:bob READ on TOPIC foo'], 'foo', false],
    [['ALLOW User:bob READ on TOPIC fo*'], 'foo', false],
    [['ALLOW User:bob READ on TOPIC *'], 'foo', false],
    [['ALLOW User:bob READ on TOPIC bar'], 'foo', true],
    [['ALLOW User:bob READ on GROUP foo'], 'foo', true],
  ] as const)('%j: %s is open to everyone if so set: %s', (entries, topic, answer) => {
    expect(ask(entries, ['User:alice', 'READ', topic], true)).toBe(answer);
    expect(ask(entries, ['User:alice', 'READ', topic], false)).toBe(false);
  });
});

describe('any topic at all (KIP-679)', () => {
  const alice = { principal: 'User:alice', clientAddress: '127.0.0.1' };
  it.each([
    [[], false],
    [['ALLOW User:alice WRITE on TOPIC foo'], true],
    [['ALLOW User:alice ALL on TOPIC foo'], true],
    [['ALLOW User:alice READ on TOPIC foo'], false],
    [['ALLOW User:bob WRITE on TOPIC foo'], false],
    [['ALLOW User:alice WRITE on TOPIC foo from 10.0.0.1'], false],
    [['ALLOW User:alice WRITE on TOPIC *', 'DENY User:alice WRITE on TOPIC foo'], true],
    [['ALLOW User:alice WRITE on TOPIC foo', 'DENY User:alice WRITE on TOPIC *'], false],
    [['ALLOW User:alice WRITE on TOPIC foo', 'DENY User:alice WRITE on TOPIC foo'], false],
    [['ALLOW User:alice WRITE on TOPIC foo', 'DENY User:alice WRITE on TOPIC bar'], true],
    [['ALLOW User:alice WRITE on TOPIC foo', 'DENY User:alice WRITE on TOPIC fo*'], false],
    [['ALLOW User:alice WRITE on TOPIC foo*', 'DENY User:alice WRITE on TOPIC fo*'], false],
    [['ALLOW User:alice WRITE on TOPIC foo*', 'DENY User:alice WRITE on TOPIC foobar*'], true],
    // Some other name with that prefix is left.
    [['ALLOW User:alice WRITE on TOPIC foo*', 'DENY User:alice WRITE on TOPIC foo'], true],
    [['ALLOW User:alice WRITE on TOPIC *', 'DENY User:alice WRITE on TOPIC fo*'], true],
  ] as const)('%j: %s', (entries, answer) => {
    expect(authorizer(entries).allowsWithAny(alice, AclOperation.WRITE, ResourceType.TOPIC)).toBe(answer);
  });

  it('a super user has one', () => {
    const root = { ...alice, principal: 'User:root' };
    const denied = authorizer(['DENY User:* ALL on TOPIC *']);
    expect(denied.allowsWithAny(root, AclOperation.WRITE, ResourceType.TOPIC)).toBe(true);
  });
});

it('entries that come and go count from the next request on', () => {
  let acls = aclsImage([]);
  const subject = new Authorizer({ superUsers: new Set(), allowsWithoutAcl: false, acls: () => acls });
  const reads = (): boolean =>
    subject.allows(
      { principal: 'User:alice', clientAddress: '127.0.0.1' },
      AclOperation.READ,
      ResourceType.TOPIC,
      'foo',
    );
  expect(reads()).toBe(false);
  acls = aclsImage([readFoo]);
  expect(reads()).toBe(true);
  acls = aclsImage([readFoo, 'DENY User:alice READ on TOPIC foo']);
  expect(reads()).toBe(false);
});
