import { expect, test } from 'vitest';
import type { DrillProgress } from '../../main/api/drill-views.ts';
import type { BrokerView, ClusterView, JournalEntry, JournalEvent } from '../../main/api/views.ts';
import { ClusterWatch, drillAlert, standingText } from './cluster-watch.ts';

const broker = (id: number, process: BrokerView['process']) => ({ id, process }) as BrokerView;
const event = (entry: JournalEntry) => ({ entry }) as JournalEvent;
const died = (wanted: boolean) =>
  event({ kind: 'process.exited', brokerId: 2, pid: 7, signal: 'SIGSEGV', code: null, wanted });

function watch(): ClusterWatch {
  const view = { state: 'ready', bootstrap: 'a:1', brokers: [broker(1, 'running'), broker(2, 'running')] };
  return new ClusterWatch(view as unknown as ClusterView);
}

test('the standing follows the deltas', () => {
  const cluster = watch();
  expect(standingText(cluster.standing())).toBe('ready, 2 of 2 brokers up');
  cluster.apply({ number: 1, cluster: { state: 'degraded' }, brokers: [broker(2, 'killed')] });
  expect(cluster.standing()).toEqual({ state: 'degraded', brokersUp: 1, brokerCount: 2, bootstrap: 'a:1' });
});

test('a broker that dies by itself is an alert, one that a person killed is not', () => {
  expect(watch().apply({ number: 1, events: [died(false)] })).toEqual([
    { title: 'Broker 2 died', body: 'Its process ended by SIGSEGV.', hash: '#/events' },
  ]);
  expect(watch().apply({ number: 1, events: [died(true)] })).toEqual([]);
});

test('a failed cluster is told once, with its problem', () => {
  const cluster = watch();
  const failed = { number: 1, cluster: { state: 'failed', problem: 'port 19093 is taken' } } as const;
  expect(cluster.apply(failed)).toEqual([
    { title: 'The cluster failed', body: 'port 19093 is taken', hash: '#/cluster' },
  ]);
  expect(cluster.apply({ ...failed, number: 2 })).toEqual([]);
});

test('the end of a drill is told once, with its verdict and the way to it', () => {
  const progress = { runId: 'r-1', title: 'A leader crashes', state: 'running', isOver: false } as DrillProgress;
  expect(drillAlert(progress)).toBeNull();
  expect(drillAlert({ ...progress, state: 'failed', isOver: true })).toEqual({
    title: 'Drill over: A leader crashes',
    body: 'Something that was expected did not hold.',
    hash: '#/drills/runs/r-1',
  });
});
