// What Kafka would say to broker configs before any broker is started with them; for the form that makes a cluster.

import { configError } from './metadata/configs/config-definition.ts';
import { brokerConfigs } from './metadata/configs/config-schema.ts';

export type ConfigProblem = {
  readonly name: string;
  readonly message: string;
  /** A warning does not keep the cluster from being made. */
  readonly severity: 'error' | 'warning';
};

/** What a workspace's own fields decide. */
const decidedElsewhere: Readonly<Record<string, string>> = {
  'process.roles': 'every broker is a controller, too',
  'node.id': 'brokers are numbered from 1',
  'broker.id': 'brokers are numbered from 1',
  'controller.quorum.voters': 'it follows from the ports',
  listeners: 'it follows from the first port',
  'advertised.listeners': 'it follows from the first port',
  'controller.listener.names': 'it is always CONTROLLER',
  'inter.broker.listener.name': 'it is always PLAINTEXT',
  'listener.security.protocol.map': 'it follows from the listeners',
  'log.dirs': 'it is the workspace’s own directory',
  'broker.rack': 'racks have a field of their own',
};

export function checkBrokerConfigs(configs: Readonly<Record<string, string>>): ConfigProblem[] {
  return Object.entries(configs).flatMap(([name, value]): ConfigProblem[] => {
    const reason = decidedElsewhere[name];
    if (reason !== undefined) return [{ name, message: `${name} can’t be set here: ${reason}`, severity: 'error' }];
    const definition = brokerConfigs.get(name);
    if (definition === undefined) {
      return [{ name, message: `Kafka knows no broker config ${name} and ignores it`, severity: 'warning' }];
    }
    const message = configError(definition, value);
    return message === null ? [] : [{ name, message, severity: 'error' }];
  });
}
