import { expect, it } from 'vitest';
import { groupKind, shortMember } from './group-rows.ts';

it('members with one client id are told apart', () => {
  expect(shortMember('app-1-66262ece-d804', 'app-1')).toBe('app-1 …e-d804');
});

it('a plain consumer group needs no word for its kind, a share group has one', () => {
  expect(groupKind('consumer')).toBeNull();
  expect(groupKind('share')).toMatchObject({ word: 'share' });
  expect(groupKind('connect')?.meaning).toContain('connect');
});
