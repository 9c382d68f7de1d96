// Reads `name=value` lines as a person types them. Kafka judges names and values; this only finds the pairs.

export type ConfigLines = {
  readonly values: Record<string, string>;
  readonly count: number;
  readonly problem: string | null;
};

export function readConfigLines(text: string): ConfigLines {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = trimmed.indexOf('=');
    const name = trimmed.slice(0, equals).trim();
    if (equals < 1) return { values, count: 0, problem: `Line ${index + 1} is not name=value.` };
    if (Object.hasOwn(values, name)) return { values, count: 0, problem: `${name} is set twice (line ${index + 1}).` };
    values[name] = trimmed.slice(equals + 1).trim();
  }
  return { values, count: Object.keys(values).length, problem: null };
}
