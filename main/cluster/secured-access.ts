// The listener beside the plaintext one, for clients that log in with PLAIN or SCRAM: which protocol it speaks, and the
// broker properties that make it. Brokers and the app go on using the plaintext one.

/** Kept in `cluster.json`, which only its owner may read. */
export type SecuredAccess = {
  /** Passwords by user, of those who were named on the command line. */
  readonly users: Readonly<Record<string, string>>;
};

/** Also the listener's name. */
export const securedProtocol = 'SASL_PLAINTEXT';

/** What may be set otherwise with --config. */
export function securedDefaults(secured: SecuredAccess | undefined): Record<string, string> {
  if (secured === undefined) return {};
  const name = securedProtocol.toLowerCase();
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`listener.name.${name}.plain.sasl.jaas.config`]: plainJaasConfig(secured.users),
  };
}

function plainJaasConfig(users: Readonly<Record<string, string>>): string {
  const options = Object.entries(users).map(([user, password]) => ` ${quoted(`user_${user}`)}=${quoted(password)}`);
  return `org.apache.kafka.common.security.plain.PlainLoginModule required${options.join('')};`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
