// kafka-consumer-groups with every way to reset, kafka-groups, kafka-share-groups, kafka-console-share-consumer.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../benchmarks/clusters/cluster.ts';
import { only, sorted } from '../normal.ts';
import { expectMatch, expectThat, type Case } from '../program.ts';
import type { Tools } from './kafka-tools.ts';

/** Create times of the records of `timed`: one a millisecond from here. */
const firstMs = Date.UTC(2026, 0, 1);

export function groupCases(tools: Tools): readonly Case[] {
  const ok = tools.ok.bind(tools);
  const any = tools.any.bind(tools);
  return [
    {
      name: 'verifiable producer: 100 records with their times',
      run: async () => {
        await ok('topics', '--create --topic timed --replica-assignment 1:2:3,2:3:1 --config retention.ms=-1');
        const out = await ok(
          'verifiable-producer',
          `--topic timed --max-messages 100 --repeating-keys 10 --acks -1 --message-create-time ${firstMs}`,
        );
        expectMatch(out, /"name":"tool_data","sent":100,"acked":100/);
        const ends = await ok('get-offsets', '--topic timed');
        return `${ends}\n${only(out, /tool_data/).replaceAll(/"avg_throughput":[\d.]+/g, '"avg_throughput":N')}`;
      },
    },
    {
      name: 'consumer groups: read, describe, list',
      run: async () => {
        await ok('console-consumer', '--topic timed --from-beginning --max-messages 100 --group readers');
        const described = await ok('consumer-groups', '--describe --group readers');
        expectMatch(described, /Consumer group 'readers' has no active members/);
        const lags = [...described.matchAll(/^readers timed \d (\d+) (\d+) (\d+)/gm)];
        expectThat(
          lags.length === 2 && lags.every(([, now, end, lag]) => now === end && lag === '0'),
          'no lag',
          described,
        );
        const state = await ok('consumer-groups', '--describe --group readers --state --verbose');
        const members = await ok('consumer-groups', '--describe --group readers --members --verbose');
        const list = only(await ok('consumer-groups', '--list --state --type'), /^(?:GROUP|readers )/);
        const all = only(await ok('groups', '--list'), /^(?:GROUP|readers )/);
        return [sortedRows(described), withoutCoordinator(state), members, list, all].join('\n');
      },
    },
    { name: 'consumer groups: reset in every way', run: () => resets(tools) },
    { name: 'consumer groups: reset from a file', run: () => resetFromFile(tools) },
    ...(['classic', 'consumer'] as const).map((protocol) => ({
      name: `consumer groups: active members, protocol ${protocol}`,
      run: () => activeMembers(tools, protocol),
    })),
    {
      name: 'consumer groups: delete offsets, delete groups',
      run: async () => {
        const deleted = await ok('consumer-groups', '--delete-offsets --group readers --topic timed:0');
        const left = await ok('consumer-groups', '--describe --group readers');
        const gone = await ok('consumer-groups', '--delete --group readers');
        const again = await any('consumer-groups', '--delete --group readers');
        const missing = await any('consumer-groups', '--describe --group readers');
        expectMatch(gone, /Deletion of requested consumer groups \('readers'\) was successful/);
        return [deleted, sortedRows(left), gone, again, missing].join('\n');
      },
    },
    { name: 'share groups: consume, describe, reset, delete', run: () => shareGroups(tools) },
    {
      name: 'verifiable share consumer',
      run: async () => {
        await ok(
          'configs',
          '--alter --entity-type groups --entity-name verified-shares --add-config share.auto.offset.reset=earliest',
        );
        const out = await ok(
          'verifiable-share-consumer',
          '--topic timed --group-id verified-shares --max-messages 50 --acknowledgement-mode sync',
        );
        const acknowledged = [...out.matchAll(/"name":"offsets_acknowledged".*?"count":(\d+)/g)];
        const sum = acknowledged.reduce((total, [, count]) => total + Number(count), 0);
        expectThat(sum >= 50, 'at least 50 records acknowledged', out);
        return 'at least 50 records acknowledged';
      },
    },
  ];
}

async function resets(tools: Tools): Promise<string> {
  const at = (n: number): string => new Date(firstMs + n).toISOString().replace('Z', '');
  const answers: string[] = [];
  for (const how of [
    '--to-earliest',
    '--to-latest',
    '--to-offset 7',
    '--shift-by 3',
    '--shift-by -5',
    '--shift-by 1000',
    `--to-datetime ${at(50)}`,
    '--by-duration P0DT0H0M1S',
    '--by-duration P3000D',
    '--to-current',
    '--to-offset 100000',
  ]) {
    const dry = sortedRows(
      await tools.any('consumer-groups', `--reset-offsets --group readers --topic timed ${how} --dry-run`),
    );
    const done = sortedRows(
      await tools.any('consumer-groups', `--reset-offsets --group readers --topic timed ${how} --execute`),
    );
    expectThat(dry === done, `${how} to do what it said it would, ${dry}`, done);
    const now = sortedRows(
      only(await tools.ok('consumer-groups', '--describe --group readers --offsets'), /^readers /),
    );
    const said = [...done.matchAll(/^readers timed (\d) (\d+)$/gm)].map(
      ([, partition, offset]) => `${partition}:${offset}`,
    );
    const is = [...now.matchAll(/^readers timed (\d) (\d+) /gm)].map(
      ([, partition, offset]) => `${partition}:${offset}`,
    );
    expectThat(said.join(' ') === is.join(' '), `${how} to set ${said.join(' ')}`, now);
    answers.push(`${how}\n${done}`);
  }
  const one = await tools.any(
    'consumer-groups',
    '--reset-offsets --group readers --topic timed:1 --to-earliest --execute',
  );
  const unknown = await tools.any(
    'consumer-groups',
    '--reset-offsets --group readers --topic missing --to-earliest --execute',
  );
  const fresh = await tools.any(
    'consumer-groups',
    '--reset-offsets --group made-by-reset --all-topics --to-latest --execute',
  );
  const made = await tools.any(
    'consumer-groups',
    '--reset-offsets --group made-by-reset --topic timed --to-latest --execute',
  );
  return [...answers, one, unknown, fresh, sortedRows(made)].join('\n');
}

async function resetFromFile(tools: Tools): Promise<string> {
  const file = join(tools.around.directory, 'offsets.csv');
  const exported = await tools.ok(
    'consumer-groups',
    '--reset-offsets --group readers --topic timed --to-latest --dry-run --export',
  );
  const lines = sorted(only(exported, /^"?timed/));
  expectMatch(lines, /^"?timed"?,0,\d+$/m, /^"?timed"?,1,\d+$/m);
  writeFileSync(file, 'timed,0,1\ntimed,1,2\n');
  const done = sortedRows(
    await tools.ok('consumer-groups', `--reset-offsets --group readers --from-file ${file} --execute`),
  );
  expectMatch(done, /^readers timed 0 1$/m, /^readers timed 1 2$/m);
  return `${lines}\n${done}`;
}

async function activeMembers(tools: Tools, protocol: 'classic' | 'consumer'): Promise<string> {
  const group = `active-${protocol}`;
  const property = protocol === 'consumer' ? '--consumer-property group.protocol=consumer' : '';
  const command = protocol === 'consumer' ? property.replace('--consumer-property', '--command-property') : '';
  const consumer = tools.start('console-consumer', `--topic timed --group ${group} --from-beginning ${command}`);
  try {
    await until(`${group} to be stable`, 60_000, async () =>
      / Stable 1$/m.test(withoutCoordinator(await tools.any('consumer-groups', `--describe --group ${group} --state`)))
        ? true
        : null,
    );
    const describe = (what: string): Promise<string> =>
      tools.ok('consumer-groups', `--describe --group ${group} ${what}`);
    const anonymous = (text: string): string =>
      text
        .replaceAll(/console-consumer-UUID|(?<= )[\w-]{22}(?= )/g, 'MEMBER')
        .replaceAll(/\/127\.0\.0\.1|127\.0\.0\.1/g, 'HOST');
    const members = anonymous(await describe('--members --verbose'));
    const offsets = anonymous(sortedRows(await describe('--offsets --verbose')));
    expectMatch(members, new RegExp(`^${group} `, 'm'));
    const reset = await tools.any(
      'consumer-groups',
      `--reset-offsets --group ${group} --topic timed --to-earliest --execute`,
    );
    expectMatch(reset, /Assignments can only be reset if the group '.*' is inactive/);
    const remove = await tools.any('consumer-groups', `--delete --group ${group}`);
    expectMatch(remove, /GroupNotEmptyException/);
    const deleteOffsets = await tools.any('consumer-groups', `--delete-offsets --group ${group} --topic timed`);
    expectMatch(deleteOffsets, /GroupSubscribedToTopicException|subscribed/i);
    const state = withoutCoordinator(await describe('--state --verbose'));
    const list = only(await tools.ok('consumer-groups', '--list --state stable'), new RegExp(`^${group} `));
    return [members, withoutProgress(offsets), reset, remove, deleteOffsets, state, list].join('\n');
  } finally {
    await consumer.end('SIGTERM');
  }
}

async function shareGroups(tools: Tools): Promise<string> {
  const config = '--alter --entity-type groups --entity-name sharers --add-config share.auto.offset.reset=earliest';
  await tools.ok('configs', config);
  const read = await tools.ok(
    'console-share-consumer',
    '--topic timed --group sharers --max-messages 100 --timeout-ms 30000',
  );
  const values = new Set(read.split('\n').filter((line) => /^\d+$/.test(line)));
  expectThat(values.size === 100, '100 values', `${values.size}: ${read}`);
  const list = only(await tools.ok('share-groups', '--list --state'), /^(?:GROUP|sharers)/);
  const offsets = await until('no lag', 30_000, async () => {
    const described = await tools.ok('share-groups', '--describe --group sharers --offsets');
    return [...described.matchAll(/^sharers timed \d \d+ 0$/gm)].length === 2 ? described : null;
  });
  const state = withoutCoordinator(await tools.ok('share-groups', '--describe --group sharers --state'));
  const members = await tools.any('share-groups', '--describe --group sharers --members');
  const reset = await tools.ok('share-groups', '--reset-offsets --group sharers --topic timed --to-earliest --execute');
  const late = await tools.ok('share-groups', '--reset-offsets --group sharers --topic timed --to-latest --dry-run');
  const deleted = await tools.any('share-groups', '--delete-offsets --group sharers --topic timed');
  const gone = await tools.ok('share-groups', '--delete --group sharers');
  const missing = await tools.any('share-groups', '--describe --group sharers');
  return [list, sortedRows(offsets), state, members, sortedRows(reset), sortedRows(late), deleted, gone, missing].join(
    '\n',
  );
}

/** The table's rows in the order of their text; what stands above stays above. */
function sortedRows(table: string): string {
  const lines = table.split('\n');
  const head = lines.findIndex((line) => line.startsWith('GROUP '));
  return head < 0 ? sorted(table) : [...lines.slice(0, head + 1), ...lines.slice(head + 1).sort()].join('\n');
}

/** Which broker coordinates depends on where the partitions of __consumer_offsets were put. */
export function withoutCoordinator(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:PORT-\d \(\d\)/g, 'COORDINATOR');
}

/** How far a running member has committed. */
function withoutProgress(text: string): string {
  return text.replaceAll(/^(\S+ timed \d) .*?( (?:ID|MEMBER|console-consumer)\S* )/gm, '$1 …$2');
}
