// `highwater status`: brokers, quorum and partitions of a running cluster.

import type { ClusterView } from '../../../main/api/views.ts';
import { nodeProcesses } from '../../../main/runtime/node/node-processes.ts';
import { askRunning } from '../running.ts';
import { dataDir, parse } from '../options.ts';
import { faultTable } from './fault.ts';
import { metricsUrl } from '../output/metrics-url.ts';
import { table } from '../output/table.ts';

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, { data: { type: 'string' }, json: { type: 'boolean' } });
  const view = (await askRunning(dataDir(parsed), { verb: 'view' })) as ClusterView;
  console.log(parsed.values['json'] === true ? JSON.stringify(statusOf(view)) : statusText(view));
  return 0;
}

/** The form of `status --json`. */
export function statusOf(view: ClusterView) {
  const processes = nodeProcesses();
  return {
    clusterId: view.clusterId,
    bootstrap: view.bootstrap,
    dataDir: view.dataDir,
    profile: view.profile,
    state: view.state,
    brokers: view.brokers.map((broker) => ({
      id: broker.id,
      pid: broker.pid,
      alive: broker.pid !== null && processes.isAlive(broker.pid),
      process: broker.process,
      role: broker.isController ? 'controller' : 'broker',
      registration: broker.registration,
      host: broker.host,
      port: broker.port,
      controllerPort: broker.controllerPort,
      metricsUrl: metricsUrl(broker.metricsPort),
      rss: broker.pid === null ? 0 : (processes.residentBytes(broker.pid) ?? broker.residentBytes),
      problem: broker.problem,
    })),
    quorum: {
      leader: view.quorum.leaderId,
      epoch: view.quorum.epoch,
      highWatermark: view.quorum.highWatermark,
      nodes: view.quorum.nodes,
    },
    partitions: view.partitions.map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      leader: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicas.map((replica) => replica.brokerId),
      isr: partition.inSyncReplicas,
      logEndOffset: partition.logEndOffset,
      highWatermark: partition.highWatermark,
    })),
    faults: view.faults,
    groups: view.groups.map((group) => ({
      groupId: group.groupId,
      state: group.state,
      members: group.members.length,
      lag: group.totalLag,
    })),
  };
}

function statusText(view: ClusterView): string {
  const status = statusOf(view);
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;
  const known = (value: number | null) => (value === null ? '–' : String(value));
  return [
    `${status.state}  ${status.bootstrap}  profile ${status.profile}  cluster ${status.clusterId}`,
    '',
    table(
      ['broker', 'pid', 'process', 'registration', 'role', 'rss', 'metrics'],
      status.brokers.map((each) => [
        String(each.id),
        each.pid === null ? '–' : String(each.pid),
        each.process,
        each.registration ?? '–',
        each.role,
        megabytes(each.rss),
        each.metricsUrl ?? '–',
      ]),
    ),
    '',
    `quorum: leader ${known(status.quorum.leader)}, epoch ${status.quorum.epoch}, high watermark ${known(status.quorum.highWatermark)}`,
    '',
    table(
      ['partition', 'leader', 'epoch', 'replicas', 'isr', 'log end', 'high watermark'],
      status.partitions.map((each) => [
        `${each.topic}-${each.partition}`,
        each.leader < 0 ? 'none' : String(each.leader),
        String(each.leaderEpoch),
        each.replicas.join(','),
        each.isr.join(','),
        known(each.logEndOffset),
        known(each.highWatermark),
      ]),
    ),
    ...(status.faults.length === 0 ? [] : ['', faultTable(status.faults)]),
  ].join('\n');
}
