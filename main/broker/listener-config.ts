// Which listeners a node has: one over which brokers reach each other, the controller's, and further ones for clients
// that are to say who they are. Names, addresses and protocols are Kafka's settings.

import { InvalidSettingsError, type BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { Endpoint } from '../metadata/cluster-image.ts';
import { StartupError } from './startup-error.ts';

/** As registrations number them. */
const securityProtocols = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const;

export type SecurityProtocol = keyof typeof securityProtocols;

export type ListenerAddress = { readonly name: string; readonly host: string; readonly port: number };

export type SecuredListener = ListenerAddress & { readonly protocol: 'SASL_PLAINTEXT' };

export type Listeners = {
  /** Plaintext: for brokers among each other, the app, and any client. */
  readonly client: ListenerAddress;
  readonly controller: ListenerAddress;
  /** What the other nodes of the quorum are told. */
  readonly controllerAdvertised: ListenerAddress;
  readonly secured: readonly SecuredListener[];
  /** What clients are told, and the metadata keeps: of `client` and `secured`. */
  readonly endpoints: readonly Endpoint[];
};

/** Throws StartupError. */
export function listenersOf(settings: BrokerSettings): Listeners {
  const listeners = parseListeners(settings.text('listeners') ?? '');
  const advertised = parseListeners(settings.text('advertised.listeners') ?? '');
  const protocolOf = protocolMap(settings);
  const controllerNames = settings.list('controller.listener.names');
  const controller = listeners.find((each) => controllerNames.includes(each.name));
  const ofClients = listeners.filter((each) => !controllerNames.includes(each.name));
  const between = settings.text('inter.broker.listener.name');
  const client = between === null ? ofClients[0] : ofClients.find((each) => each.name === between);
  if (controller === undefined || client === undefined) {
    throw new StartupError(
      `listeners must name one listener for clients and one for the controller: ${settings.text('listeners') ?? ''}`,
      'see listeners, inter.broker.listener.name and controller.listener.names',
    );
  }
  for (const each of [client, controller]) {
    if (protocolOf(each.name) === 'PLAINTEXT') continue;
    throw new StartupError(
      `the nodes reach each other over ${each.name}, which must be PLAINTEXT and is ${protocolOf(each.name)}`,
      'add another listener for clients',
    );
  }
  const secured = ofClients.filter((each) => each !== client).map((each) => asSecured(each, protocolOf(each.name)));
  const endpoints = [client, ...secured].map(({ name, host, port }) => ({
    ...(advertised.find((each) => each.name === name) ?? { name, host, port }),
    securityProtocol: securityProtocols[protocolOf(name)],
  }));
  const controllerAdvertised = advertised.find((each) => each.name === controller.name) ?? controller;
  return { client, controller, controllerAdvertised, secured, endpoints };
}

function asSecured(listener: ListenerAddress, protocol: SecurityProtocol): SecuredListener {
  if (protocol === 'PLAINTEXT') {
    throw new StartupError(`listener ${listener.name} is a second one in plaintext`, 'one is enough for all clients');
  }
  if (protocol !== 'SASL_PLAINTEXT') {
    throw new StartupError(`listener ${listener.name}: ${protocol} is not served`, 'use SASL_PLAINTEXT');
  }
  return { ...listener, protocol };
}

/** `NAME://host:port` entries of `listeners` or `advertised.listeners`. */
function parseListeners(text: string): ListenerAddress[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const match = /^([A-Za-z0-9_]+):\/\/\[?([^\]]*?)\]?:(\d+)$/.exec(entry);
      if (match === null) throw new InvalidSettingsError(`Unable to parse ${entry} to a broker endpoint`);
      return { name: (match[1] ?? '').toUpperCase(), host: match[2] ?? '', port: Number(match[3]) };
    });
}

function protocolMap(settings: BrokerSettings): (name: string) => SecurityProtocol {
  const pairs = settings.list('listener.security.protocol.map').map((pair) => pair.split(':'));
  const protocols = new Map(pairs.map(([name = '', protocol = '']) => [name.trim().toUpperCase(), protocol.trim()]));
  // Where nothing is said of them, controllers speak plaintext, as in Kafka.
  if (!settings.fixed.has('listener.security.protocol.map')) {
    for (const name of settings.list('controller.listener.names'))
      if (!protocols.has(name)) protocols.set(name, 'PLAINTEXT');
  }
  return (name) => {
    const protocol = protocols.get(name);
    if (protocol !== undefined && isSecurityProtocol(protocol)) return protocol;
    throw new StartupError(
      protocol === undefined
        ? `No security protocol defined for listener ${name}`
        : `No enum constant org.apache.kafka.common.security.auth.SecurityProtocol.${protocol}`,
      'see listener.security.protocol.map',
    );
  };
}

function isSecurityProtocol(text: string): text is SecurityProtocol {
  return text in securityProtocols;
}

/** A setting as one listener has it: `listener.name.<name>.<setting>` before `<setting>`. */
export function listenerSetting(settings: BrokerSettings, listener: ListenerAddress, name: string): string | null {
  return settings.text(`listener.name.${listener.name.toLowerCase()}.${name}`) ?? settings.text(name);
}
