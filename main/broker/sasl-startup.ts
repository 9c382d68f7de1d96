// SASL of a listener at the node's start: the enabled mechanisms with their users, from the settings (PLAIN) and from
// the metadata (SCRAM).

import type { MetadataImage } from '../metadata/metadata-image.ts';
import { scramKey } from '../metadata/settings-image.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { Authentication } from '../net/authentication.ts';
import { plainMechanism } from '../net/sasl/plain-mechanism.ts';
import { SaslAuthenticator } from '../net/sasl/sasl-authenticator.ts';
import type { SaslMechanism } from '../net/sasl/sasl-mechanism.ts';
import { scramMechanismNamed } from '../net/sasl/scram-keys.ts';
import { scramMechanism } from '../net/sasl/scram-mechanism.ts';
import type { Clock, Random } from '../runtime/runtime.ts';
import { JaasConfigError, parseJaasConfig } from './jaas-config.ts';
import { listenerSetting, type ListenerAddress } from './listener-config.ts';
import { StartupError } from './startup-error.ts';

export type SaslStartup = {
  readonly settings: BrokerSettings;
  readonly listener: ListenerAddress;
  readonly clock: Clock;
  readonly random: Random;
  readonly image: () => MetadataImage;
};

const plainLoginModule = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const userPrefix = 'user_';
const nonceBytes = 18;

/** Throws StartupError for what this node does not serve, or can't read. */
export function saslAuthentication(startup: SaslStartup): Authentication {
  const { settings, listener, clock } = startup;
  const enabled = (listenerSetting(settings, listener, 'sasl.enabled.mechanisms') ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (enabled.length === 0) throw new StartupError('No SASL mechanisms are enabled', 'see sasl.enabled.mechanisms');
  const mechanisms = [...new Set(enabled)].map((name) => mechanismNamed(name, startup));
  return {
    begin: () => new SaslAuthenticator({ clock, mechanisms }),
    failureDelayMs: settings.number('connection.failed.authentication.delay.ms'),
    tokenBytesMax: Number(listenerSetting(settings, listener, 'sasl.server.max.receive.size')),
  };
}

function mechanismNamed(name: string, startup: SaslStartup): SaslMechanism {
  const { settings, listener, random, image } = startup;
  const ofMechanism = listenerSetting(settings, listener, `${name.toLowerCase()}.connections.max.reauth.ms`);
  const sessionMsMax = Number(ofMechanism ?? listenerSetting(settings, listener, 'connections.max.reauth.ms'));
  if (name === 'PLAIN') return plainMechanism({ users: plainUsers(settings, listener), sessionMsMax });
  const mechanism = scramMechanismNamed(name);
  if (mechanism === null) {
    throw new StartupError(
      `SASL mechanism ${name} is not served`,
      'set sasl.enabled.mechanisms to some of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512',
    );
  }
  return scramMechanism({
    mechanism,
    credentialOf: (user) => image().scram.get(scramKey(mechanism.type, user)) ?? null,
    nonce: () => Buffer.from(random.bytes(nonceBytes)).toString('base64url'),
    sessionMsMax,
  });
}

/** `user_NAME="password"` options of PlainLoginModule. */
function plainUsers(settings: BrokerSettings, listener: ListenerAddress): ReadonlyMap<string, string> {
  const name = `listener.name.${listener.name.toLowerCase()}.plain.sasl.jaas.config`;
  const text = settings.text(name);
  if (text === null) {
    throw new StartupError(
      `PLAIN is enabled on ${listener.name} and ${name} is missing`,
      `give its users: ${plainLoginModule} required user_alice="password";`,
    );
  }
  try {
    const modules = parseJaasConfig(text).filter(({ className }) => className === plainLoginModule);
    const options = modules.flatMap((each) => [...each.options]);
    return new Map(
      options
        .filter(([option]) => option.startsWith(userPrefix))
        .map(([option, password]) => [option.slice(userPrefix.length), password]),
    );
  } catch (error) {
    if (!(error instanceof JaasConfigError)) throw error;
    throw new StartupError(`${name}: ${error.message}`, 'mend the setting', error);
  }
}
