// One setting: its type, default and valid values; parsing and validation with Kafka's own messages. Values are kept
// as text everywhere, as the metadata log and the wire have them.

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD';

export type ConfigDefinition = {
  readonly name: string;
  readonly type: ConfigType;
  /** Missing: the setting must be given. Null: it has no value unless it is given. */
  readonly default?: string | null;
  /** As Kafka words it, e.g. `[0,...]`. */
  readonly validValues?: string;
  /** Missing: only by a restart. */
  readonly dynamic?: 'per-broker' | 'cluster-wide';
  /** The broker setting that gives a topic's or group's default. */
  readonly brokerDefaultFrom?: string;
  /** Works, and is never described. */
  readonly isInternal?: boolean;
};

const integerLimits = {
  SHORT: [-32768n, 32767n],
  INT: [-2147483648n, 2147483647n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

export function isSensitive(definition: ConfigDefinition): boolean {
  return definition.type === 'PASSWORD';
}

/** The elements of a list setting. */
export function listValues(value: string): string[] {
  const text = value.trim();
  return text === '' ? [] : text.split(',').map((element) => element.trim());
}

/** Null when `value` may stand for the setting, else Kafka's words for what is wrong. */
export function configError(definition: ConfigDefinition, value: string): string | null {
  return typeError(definition, value.trim()) ?? rangeError(definition, value.trim());
}

function invalid(definition: ConfigDefinition, value: string, why: string): string {
  return `Invalid value ${value} for configuration ${definition.name}: ${why}`;
}

function typeError(definition: ConfigDefinition, value: string): string | null {
  switch (definition.type) {
    case 'BOOLEAN':
      return /^(true|false)$/i.test(value)
        ? null
        : invalid(definition, value, 'Expected value to be either true or false');
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const [least, most] = integerLimits[definition.type];
      const isInteger =
        /^[+-]?\d{1,20}$/.test(value) &&
        BigInt(value.replace('+', '')) >= least &&
        BigInt(value.replace('+', '')) <= most;
      return isInteger ? null : invalid(definition, value, `Not a number of type ${definition.type}`);
    }
    case 'DOUBLE':
      return value !== '' && Number.isFinite(Number(value))
        ? null
        : invalid(definition, value, 'Not a number of type DOUBLE');
    case 'LIST':
      return listValues(value).some((element) => element === '')
        ? `Configuration '${definition.name}' values must not be empty.`
        : null;
    default:
      return null;
  }
}

const throttledReplicas = '[partitionId]:[brokerId],[partitionId]:[brokerId],...';

function rangeError(definition: ConfigDefinition, value: string): string | null {
  const rule = definition.validValues;
  if (rule === undefined) return null;
  if (definition.type === 'LIST') return listError(definition, value, rule);
  if (definition.type === 'STRING') return stringError(definition, value, rule);
  const except = /^\[(-?\d+),\.\.\.,(-?\d+)\] or (-?\d+)$/.exec(rule);
  if (except !== null) {
    const [, least, most, other] = except;
    const number = Number(value);
    const isRight = number === Number(other) || (number >= Number(least) && number <= Number(most));
    return isRight
      ? null
      : invalid(definition, value, `Value must be between ${least} and ${most} or equal to ${other}`);
  }
  const range = /^\[(-?\d+),\.\.\.(?:,(-?\d+))?\]$/.exec(rule);
  if (range === null) return null;
  const [, least, most] = range;
  const shown =
    definition.type === 'DOUBLE' && Number.isInteger(Number(value)) ? `${Number(value)}.0` : String(Number(value));
  if (Number(value) < Number(least)) return invalid(definition, shown, `Value must be at least ${least}`);
  if (most !== undefined && Number(value) > Number(most))
    return invalid(definition, shown, `Value must be no more than ${most}`);
  return null;
}

function choices(rule: string): string[] | null {
  const match = /^(?:\(case insensitive\) )?\[([^[\]]*)\]$/.exec(rule);
  return match === null || rule.includes('...') ? null : (match[1] ?? '').split(', ');
}

function stringError(definition: ConfigDefinition, value: string, rule: string): string | null {
  if (rule.startsWith('[latest, earliest, by_duration')) return offsetResetError(definition, value);
  const allowed = choices(rule);
  if (allowed === null) return null;
  if (rule.startsWith('(case insensitive)')) {
    const isKnown = allowed.some((choice) => choice.toUpperCase() === value.toUpperCase());
    return isKnown
      ? null
      : invalid(definition, value, `String must be one of (case insensitive): ${allowed.join(', ')}`);
  }
  return allowed.includes(value) ? null : invalid(definition, value, `String must be one of: ${allowed.join(', ')}`);
}

function offsetResetError(definition: ConfigDefinition, value: string): string | null {
  if (/^(latest|earliest|by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/i.test(value)) return null;
  return invalid(
    definition,
    value,
    'Invalid value `' +
      value +
      '` for configuration ' +
      definition.name +
      ". The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
  );
}

function listError(definition: ConfigDefinition, value: string, rule: string): string | null {
  const elements = listValues(value);
  if (rule === throttledReplicas) {
    const isRight =
      elements.length === 0 ||
      (elements.length === 1 && elements[0] === '*') ||
      elements.every((element) => /^\d+:\d+$/.test(element));
    const what = `${definition.name} must be the literal '*' or a list of replicas in the following format: ${throttledReplicas}`;
    return isRight ? null : invalid(definition, `[${elements.join(', ')}]`, what);
  }
  if (rule === 'non-empty list') return null;
  const allowed = choices(rule);
  const unknown = allowed === null ? undefined : elements.find((element) => !allowed.includes(element));
  return unknown === undefined || allowed === null
    ? null
    : invalid(definition, unknown, `String must be one of: ${allowed.join(', ')}`);
}

/** A valid number setting as a number; Java's Long.MAX_VALUE ends at the largest safe integer, which is as far away. */
export function numberValue(value: string): number {
  const number = Number(value.trim());
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}
