// Which listeners a node opens and what it tells clients of them; who may log in, from a JAAS text.

import { describe, expect, it } from 'vitest';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { brokerProperties, type Topology } from '../cluster/topology.ts';
import { parseJaasConfig } from './jaas-config.ts';
import { listenersOf } from './listener-config.ts';

const base = {
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  listeners: 'PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2,OUTSIDE://127.0.0.1:3',
  'advertised.listeners': 'PLAINTEXT://127.0.0.1:1,OUTSIDE://example:33',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:SASL_PLAINTEXT',
};

const listeners = (changes: Record<string, string> = {}) => listenersOf(new BrokerSettings({ ...base, ...changes }));

describe('listeners', () => {
  it('are told to clients under their own names, addresses and protocols', () => {
    expect(listeners().endpoints).toEqual([
      { name: 'PLAINTEXT', host: '127.0.0.1', port: 1, securityProtocol: 0 },
      { name: 'OUTSIDE', host: 'example', port: 33, securityProtocol: 2 },
    ]);
    expect(listeners().secured).toEqual([{ name: 'OUTSIDE', host: '127.0.0.1', port: 3, protocol: 'SASL_PLAINTEXT' }]);
  });

  it.each([
    [{ 'inter.broker.listener.name': 'OUTSIDE' }, /reach each other over OUTSIDE/],
    [{ 'inter.broker.listener.name': 'NOWHERE' }, /must name one listener for clients/],
    [
      { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:SASL_SSL' },
      /SASL_SSL is not served/,
    ],
    [{ 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT' }, /No security protocol/],
    [{ 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:TLS' }, /No enum constant/],
  ])('%o is no way to start', (changes, message) => {
    expect(() => listeners(changes)).toThrow(message);
  });
});

describe('JAAS texts', () => {
  it('are read as Kafka reads them', () => {
    const text = 'a.Plain required\n user_alice="a\\"b;c" user_bob=plain\n; b.Other OPTIONAL \'x y\'="1";';
    expect(parseJaasConfig(text)).toEqual([
      {
        className: 'a.Plain',
        options: new Map([
          ['user_alice', 'a"b;c'],
          ['user_bob', 'plain'],
        ]),
      },
      { className: 'b.Other', options: new Map([['x y', '1']]) },
    ]);
  });

  it.each([
    ['a.Plain', /control flag not specified/],
    ['a.Plain always;', /Invalid login module control flag 'always'/],
    ['a.Plain required user_alice;', /Value not specified for key 'user_alice'/],
    ['a.Plain required user_alice=;', /Value not specified for key 'user_alice'/],
    ['a.Plain required user_alice="x"', /not terminated by semi-colon/],
    ['a.Plain required user_alice="x', /Unexpected exception/],
    ['', /Login module not specified/],
  ])('%j is refused', (text, message) => {
    expect(() => parseJaasConfig(text)).toThrow(message);
  });

  it('that `up --user` makes say the same users, whatever their passwords are made of', () => {
    const broker = { id: 1, port: 1, controllerPort: 2, securedPort: 3, rack: null };
    const topology: Topology = {
      formatVersion: 1,
      clusterId: 'c',
      profile: 'laptop',
      host: '127.0.0.1',
      brokers: [broker],
      configs: {},
      secured: { users: { alice: 'a"b\\c;=', 'bob b': ' ' } },
    };
    const properties = brokerProperties(topology, broker, ['/logs']);
    const text = properties['listener.name.sasl_plaintext.plain.sasl.jaas.config'] ?? '';
    expect(parseJaasConfig(text)[0]?.options).toEqual(
      new Map([
        ['user_alice', 'a"b\\c;='],
        ['user_bob b', ' '],
      ]),
    );
    expect(listenersOf(new BrokerSettings(properties)).secured).toEqual([
      { name: 'SASL_PLAINTEXT', host: '127.0.0.1', port: 3, protocol: 'SASL_PLAINTEXT' },
    ]);
  });
});
