// One setting's worth of JAAS: `a.LoginModule required key="value" …;`, as Kafka's JaasConfig reads it.

export type LoginModule = { readonly className: string; readonly options: ReadonlyMap<string, string> };

/** What is wrong with the text, in Kafka's words. */
export class JaasConfigError extends Error {
  override readonly name = 'JaasConfigError';
}

const token = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([;=])|([^\s;="']+))/y;
const controlFlags: readonly string[] = ['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL'];

type Token = { readonly text: string; readonly isSign: boolean };

/** Throws JaasConfigError. */
export function parseJaasConfig(text: string): LoginModule[] {
  const tokens = tokensOf(text);
  const modules: LoginModule[] = [];
  let next = 0;
  const isSign = (sign: string): boolean => tokens[next]?.isSign === true && tokens[next]?.text === sign;
  while (next < tokens.length) {
    const className = tokens[next++]?.text ?? '';
    const flag = tokens[next++]?.text;
    if (flag === undefined) throw new JaasConfigError('Login module control flag not specified in JAAS config');
    if (!controlFlags.includes(flag.toUpperCase())) {
      throw new JaasConfigError(`Invalid login module control flag '${flag}' in JAAS config`);
    }
    const options = new Map<string, string>();
    while (next < tokens.length && !isSign(';')) {
      const key = tokens[next++]?.text ?? '';
      const hasValue = isSign('=') && tokens[next + 1]?.isSign === false;
      if (!hasValue) throw new JaasConfigError(`Value not specified for key '${key}' in JAAS config`);
      options.set(key, tokens[next + 1]?.text ?? '');
      next += 2;
    }
    if (!isSign(';')) throw new JaasConfigError('JAAS config entry not terminated by semi-colon');
    next++;
    modules.push({ className, options });
  }
  if (modules.length === 0) throw new JaasConfigError('Login module not specified in JAAS config');
  return modules;
}

function tokensOf(text: string): Token[] {
  const trimmed = text.trim();
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < trimmed.length) {
    const match = token.exec(trimmed);
    if (match === null) throw new JaasConfigError('Unexpected exception while parsing JAAS config');
    const [, doubleQuoted, singleQuoted, sign, word] = match;
    const quoted = doubleQuoted ?? singleQuoted;
    tokens.push({ text: quoted?.replace(/\\(.)/g, '$1') ?? sign ?? word ?? '', isSign: sign !== undefined });
  }
  return tokens;
}
