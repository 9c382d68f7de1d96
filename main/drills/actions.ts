// Carries out what a step does to the cluster or to the clients. Says in a sentence what it came to.

import type { ClusterClient } from '../cluster/cluster-client.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import type { FaultDirection } from '../core/faults.ts';
import { createTopic, elect, setTopicConfigs } from './drill-admin.ts';
import type { DrillClients } from './drill-clients.ts';
import type { Action, BrokerVerb, DrillPlan } from './drill-plan.ts';
import type { DrillWorld } from './drill-world.ts';
import type { Role } from './roles.ts';

export type Done = { readonly detail: string; readonly brokerId: number | null };

/** Steps that need no waiting on conditions. */
export type ImmediateAction = Exclude<Action, { kind: 'wait' | 'hold' | 'rollingRestart' }>;

export type ActionContext = {
  readonly world: DrillWorld;
  readonly client: ClusterClient;
  readonly clients: DrillClients;
  /** Throws ClusterError when nobody has the role just now. */
  resolve(role: Role): number;
};

const syncSlowness = { writeMs: 0 };

export async function carryOut(action: ImmediateAction, context: ActionContext): Promise<Done> {
  const { world, resolve } = context;
  switch (action.kind) {
    case 'broker': {
      const brokerId = resolve(action.who);
      await actOnBroker(action.verb, brokerId, world);
      return { detail: `broker ${brokerId}`, brokerId };
    }
    case 'cut': {
      const peerOf = (peer: Role | 'clients' | 'brokers') => (typeof peer === 'string' ? peer : resolve(peer));
      const brokerId = resolve(action.of);
      const peers = action.from.length === 0 ? (['brokers'] as const) : action.from.map(peerOf);
      const direction: FaultDirection = action.direction;
      for (const peer of peers) await world.control.addFault({ kind: 'cut', brokerId, peer, direction });
      return { detail: `broker ${brokerId} from ${peers.join(', ')}, ${direction}`, brokerId };
    }
    case 'delay': {
      const brokerId = resolve(action.of);
      const { byMs: delayMs, jitterMs } = action;
      await world.control.addFault({ kind: 'delay', brokerId, peer: 'brokers', direction: 'both', delayMs, jitterMs });
      return { detail: `broker ${brokerId}`, brokerId };
    }
    case 'slowDisk': {
      const brokerId = resolve(action.of);
      await world.control.addFault({ kind: 'slow-disk', brokerId, syncMs: action.byMs, ...syncSlowness });
      return { detail: `broker ${brokerId}`, brokerId };
    }
    case 'skewClock': {
      const brokerId = resolve(action.of);
      await world.control.addFault({ kind: 'clock-skew', brokerId, offsetMs: action.byMs, rate: 1 });
      return { detail: `broker ${brokerId}`, brokerId };
    }
    case 'heal':
      return heal(action.who === null ? null : resolve(action.who), world);
    default:
      return actOnLoad(action, context);
  }
}

async function actOnBroker(verb: BrokerVerb, brokerId: number, { control }: DrillWorld): Promise<void> {
  switch (verb) {
    case 'powerLoss':
      return control.powerLoss(brokerId);
    case 'fullDisk':
      await control.addFault({ kind: 'disk-full', brokerId, freeBytes: 0 });
      return;
    case 'restart':
      await control.stop(brokerId);
      return control.start(brokerId);
    case 'kill':
    case 'stop':
    case 'start':
    case 'pause':
    case 'resume':
      return control[verb](brokerId);
  }
}

async function heal(brokerId: number | null, { control, view }: DrillWorld): Promise<Done> {
  const faults = control.listFaults().filter((each) => brokerId === null || each.fault.brokerId === brokerId);
  for (const { id } of faults) await control.clearFault(id);
  const frozen = view().brokers.filter((each) => each.process === 'paused' && (brokerId ?? each.id) === each.id);
  for (const { id } of frozen) await control.resume(id);
  return { detail: `${faults.length + frozen.length} ended`, brokerId };
}

type LoadAction = Exclude<ImmediateAction, { kind: 'broker' | 'cut' | 'delay' | 'slowDisk' | 'skewClock' | 'heal' }>;

async function actOnLoad(action: LoadAction, { world, client, clients }: ActionContext): Promise<Done> {
  const said = (detail: string): Done => ({ detail, brokerId: null });
  switch (action.kind) {
    case 'startProducer':
      await clients.startProducer(action.producer);
      return said('sending');
    case 'stopProducer':
      clients.producers.get(action.producer)?.stop();
      return said('no new records');
    case 'rate':
      clients.producers.get(action.producer)?.setRate(action.perSecond);
      return said(`${action.perSecond} records/s`);
    case 'keys':
      clients.producers.get(action.producer)?.setKeys(action.keys);
      return said('new keys');
    case 'addMember':
      return said(clients.groups.get(action.group)?.addMember() ?? '');
    case 'stopMember':
    case 'crashMember': {
      const member = clients.groups.get(action.group)?.takeFirst() ?? null;
      if (member === null) throw new ClusterError('NO_MEMBER', `group ${action.group} has no member left`);
      if (action.kind === 'crashMember') member.crash();
      else await member.stop();
      return said(member.name);
    }
    case 'startCopier':
      return said(clients.startCopier(action.copier));
    case 'crashCopier':
    case 'freezeCopier':
    case 'thawCopier':
      return said(await actOnCopier(action.kind, action.copier, clients));
    case 'config':
      await setTopicConfigs(client, world.prefix + action.topic, action.set);
      return said(world.prefix + action.topic);
    case 'elect':
      await elect(client, world.prefix + action.of.topic, action.of.partition, action.isUnclean);
      return said('asked the controller');
  }
}

async function actOnCopier(
  kind: 'crashCopier' | 'freezeCopier' | 'thawCopier',
  name: string,
  clients: DrillClients,
): Promise<string> {
  const load = clients.copiers.get(name);
  const process = kind === 'thawCopier' ? load?.frozen : load?.working;
  if (!process) throw new ClusterError('NO_PROCESS', `${name} has no process that this could be done to`);
  if (kind === 'crashCopier') await process.crash();
  else if (kind === 'freezeCopier') await process.freeze();
  else process.thaw();
  return process.name;
}

/** Makes the topics; their ids by the names of the plan. */
export async function makeTopics(
  plan: DrillPlan,
  { world, client, resolve }: Pick<ActionContext, 'world' | 'client' | 'resolve'>,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const brokers = world.view().brokers.map((broker) => broker.id);
  for (const topic of plan.topics) {
    const first = topic.leadBy === null ? null : resolve(topic.leadBy);
    const without = topic.without === null ? null : resolve(topic.without);
    const isPlaced = first !== null || without !== null;
    const rest = brokers.filter((id) => id !== first && id !== without);
    const replicas = [...(first === null ? [] : [first]), ...rest].slice(0, topic.replicationFactor);
    ids.set(topic.name, await createTopic(client, world.prefix + topic.name, topic, isPlaced ? replicas : null));
  }
  return ids;
}

export async function startLoad(plan: DrillPlan, clients: DrillClients): Promise<void> {
  for (const { name, atStart } of plan.producers) if (atStart) await clients.startProducer(name);
  for (const { name } of plan.groups) clients.startGroup(name);
  for (const { name, atStart } of plan.copiers) if (atStart) clients.startCopier(name);
}
