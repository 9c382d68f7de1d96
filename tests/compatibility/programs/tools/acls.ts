// kafka-acls against a cluster with the StandardAuthorizer.

import { sorted } from '../normal.ts';
import { expectMatch, expectThat, type Case } from '../program.ts';
import type { Tools } from './kafka-tools.ts';

export function aclCases(tools: Tools): readonly Case[] {
  const ok = tools.ok.bind(tools);
  return [
    {
      name: 'acls: add, list, remove',
      run: async () => {
        const added = await ok(
          'acls',
          '--add --allow-principal User:alice --operation Read --operation Describe --topic orders',
        );
        expectMatch(added, /principal=User:alice, host=\*, operation=READ, permissionType=ALLOW/);
        await ok(
          'acls',
          '--add --deny-principal User:bob --deny-host 10.0.0.1 --operation Write --topic ord --resource-pattern-type prefixed',
        );
        await ok('acls', '--add --allow-principal User:carol --producer --topic orders --idempotent');
        await ok('acls', '--add --allow-principal User:carol --consumer --topic orders --group readers');
        const all = sorted(await ok('acls', '--list'));
        const matching = sorted(await ok('acls', '--list --topic orders --resource-pattern-type match'));
        expectMatch(matching, /name=ord, patternType=PREFIXED/);
        const byPrincipal = sorted(await ok('acls', '--list --principal User:alice'));
        const removed = await ok(
          'acls',
          '--remove --force --allow-principal User:alice --operation Read --topic orders',
        );
        await ok('acls', '--remove --force --topic orders');
        await ok('acls', '--remove --force --topic ord --resource-pattern-type prefixed');
        await ok('acls', '--remove --force --group readers');
        await ok('acls', '--remove --force --cluster');
        const left = await ok('acls', '--list');
        expectThat(!/principal=/.test(left), 'no acls', left);
        return [sorted(added), all, matching, byPrincipal, sorted(removed), left].join('\n');
      },
    },
  ];
}
