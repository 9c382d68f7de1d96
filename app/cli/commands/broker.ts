// `highwater broker start|stop|kill|pause|resume ID`: asks the supervisor that runs the data directory.

import { askRunning } from '../running.ts';
import { dataDir, parse } from '../options.ts';
import { UsageError } from '../usage.ts';

const verbs = ['start', 'stop', 'kill', 'pause', 'resume'] as const;
const past = { start: 'started', stop: 'stopped', kill: 'killed', pause: 'paused', resume: 'resumed' } as const;

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, { data: { type: 'string' }, json: { type: 'boolean' } }, true);
  const [verbName, idText, ...rest] = parsed.positionals;
  const verb = verbs.find((each) => each === verbName);
  if (verb === undefined || idText === undefined || rest.length > 0 || !/^\d+$/.test(idText)) {
    throw new UsageError('highwater broker start|stop|kill|pause|resume ID');
  }
  const brokerId = Number(idText);
  await askRunning(dataDir(parsed), { verb, brokerId });
  console.log(
    parsed.values['json'] === true
      ? JSON.stringify({ broker: brokerId, done: verb })
      : `broker ${brokerId} ${past[verb]}`,
  );
  return 0;
}
