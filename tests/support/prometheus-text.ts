// Reads Prometheus' text exposition format as a scraper does and refuses what a scraper refuses: families in pieces,
// a sample without a TYPE before it, the same labels twice, names and values that are none.

export type ParsedSample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

export type ParsedFamily = { readonly type: string; readonly help: string; readonly samples: ParsedSample[] };

export function parsePrometheusText(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed');
  const families = new Map<string, ParsedFamily>();
  let current: { name: string; family: ParsedFamily } | null = null;
  let help: { name: string; text: string } | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('# HELP ')) {
      const match = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
      if (match === null) throw new Error(`bad HELP: ${line}`);
      help = { name: match[1] ?? '', text: (match[2] ?? '').replace(/\\n/g, '\n').replace(/\\\\/g, '\\') };
    } else if (line.startsWith('# TYPE ')) {
      const match = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
      if (match === null) throw new Error(`bad TYPE: ${line}`);
      const [, name = '', type = ''] = match;
      if (families.has(name)) throw new Error(`${name} comes in two pieces`);
      if (help?.name !== name) throw new Error(`${name} has no HELP`);
      current = { name, family: { type, help: help.text, samples: [] } };
      families.set(name, current.family);
    } else if (line !== '' && !line.startsWith('#')) {
      const sample = parseSample(line);
      if (current?.name !== sample.name) throw new Error(`a sample outside of its family: ${line}`);
      const key = JSON.stringify(Object.entries(sample.labels).sort());
      const isTwice = current.family.samples.some((each) => JSON.stringify(Object.entries(each.labels).sort()) === key);
      if (isTwice) throw new Error(`the same labels twice: ${line}`);
      current.family.samples.push({ labels: sample.labels, value: sample.value });
    }
  }
  return families;
}

function parseSample(line: string): ParsedSample & { readonly name: string } {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labelText = '', valueText = ''] = match;
  const labels: Record<string, string> = {};
  let rest = labelText;
  while (rest !== '') {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest);
    if (pair === null) throw new Error(`bad labels: ${line}`);
    const [whole, label = '', text = ''] = pair;
    if (label in labels) throw new Error(`label ${label} twice: ${line}`);
    labels[label] = text.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each));
    rest = rest.slice(whole.length);
  }
  const value = valueText === '+Inf' ? Infinity : valueText === '-Inf' ? -Infinity : Number(valueText);
  if (Number.isNaN(value) && valueText !== 'NaN') throw new Error(`not a number: ${line}`);
  return { name, labels, value };
}
