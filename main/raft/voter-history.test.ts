// The voters by offset: what the newest record says counts at once; what the log loses never was.

import { describe, expect, it } from 'vitest';
import { toBrokerId } from '../core/ids.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { VoterHistory } from './voter-history.ts';
import { VoterSet } from './voter-set.ts';

const setOf = (...ids: number[]) =>
  new VoterSet(ids.map((id) => ({ id: toBrokerId(id), host: `node-${id}`, port: 9093 })));

describe('the history of voters', () => {
  it('tells the configured voters until the log says more, and again when the log is cut before that', () => {
    const configured = setOf(1, 2, 3);
    const history = new VoterHistory(configured);
    expect(history.last).toBe(configured);
    expect(history.lastEntry).toBeNull();
    expect(history.kraftVersion).toBe(0);
    history.addKraftVersion(10, 1);
    history.addVoters(11, setOf(1, 2));
    expect(history.last.ids).toEqual([1, 2]);
    expect(history.lastEntry?.offset).toBe(11);
    history.truncateTo(11);
    expect(history.last).toBe(configured);
    expect(history.kraftVersion).toBe(1);
    history.truncateTo(10);
    expect(history.kraftVersion).toBe(0);
  });

  it('tells what held before an offset, for the snapshot that ends there', () => {
    const history = new VoterHistory(setOf());
    history.addKraftVersion(-1, 1);
    history.addVoters(-1, setOf(1));
    history.addVoters(20, setOf(1, 2));
    const idsBefore = (end: number) => history.dynamicVotersBefore(end)?.voters.voters.map(({ voterId }) => voterId);
    expect(idsBefore(0)).toEqual([1]);
    expect(idsBefore(20)).toEqual([1]);
    expect(idsBefore(21)).toEqual([1, 2]);
    history.forgetBefore(20);
    expect(idsBefore(21)).toEqual([1, 2]);
    expect(history.kraftVersion).toBe(1);
  });

  it('says nothing for snapshots at kraft.version 0', () => {
    expect(new VoterHistory(setOf(1)).dynamicVotersBefore(100)).toBeNull();
  });

  it('takes no record at an offset that it has already', () => {
    const history = new VoterHistory(setOf());
    history.addVoters(5, setOf(1));
    expect(() => history.addVoters(5, setOf(2))).toThrow();
  });

  it('agrees with a plain list of records, whatever is appended, cut and forgotten', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(`voters-${seed}`);
      const history = new VoterHistory(setOf(99));
      let records: { offset: number; id: number }[] = [];
      let end = 0;
      let start = 0;
      for (let step = 0; step < 60; step++) {
        const action = random.below(5);
        if (action <= 2) {
          end += random.below(3);
          records.push({ offset: end, id: step });
          history.addVoters(end++, setOf(step));
        } else if (action === 3) {
          end = start + random.below(end - start + 1);
          records = records.filter(({ offset }) => offset < end);
          history.truncateTo(end);
        } else {
          start += random.below(end - start + 1);
          history.forgetBefore(start);
        }
        expect(history.last.ids).toEqual([records.at(-1)?.id ?? 99]);
      }
    }
  });
});

describe('a set of voters', () => {
  const directoryId = '6PA8LtVONMDIGoxaW_Y9TQ';
  const other = 'mBqxs8cdQJCZ9Yk5Gq6f2w';
  const voter = { id: toBrokerId(1), host: 'h', port: 1, directoryId };

  it('knows a voter by its directory, or by its id alone as long as no directory is known', () => {
    const set = new VoterSet([voter]);
    expect(set.isVoter({ id: 1, directoryId })).toBe(true);
    expect(set.isVoter({ id: 1, directoryId: other })).toBe(false);
    expect(set.isVoter({ id: 1, directoryId: null })).toBe(false);
    expect(setOf(1).isVoter({ id: 1, directoryId: other })).toBe(true);
  });

  it('grows, shrinks and changes one voter at a time, never to nobody', () => {
    const set = new VoterSet([voter]);
    expect(set.withVoter(voter)).toBeNull();
    expect(set.withoutVoter({ id: 1, directoryId })).toBeNull();
    const two = set.withVoter({ ...voter, id: toBrokerId(2), directoryId: other });
    expect(two?.ids).toEqual([1, 2]);
    expect(two?.withoutVoter({ id: 1, directoryId: other })).toBeNull();
    expect(two?.withoutVoter({ id: 1, directoryId })?.ids).toEqual([2]);
    expect(two?.withUpdatedVoter({ ...voter, port: 7 })?.get(1)?.port).toBe(7);
    expect(two?.withUpdatedVoter({ ...voter, directoryId: other })).toBeNull();
  });
});
