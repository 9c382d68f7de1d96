// A share consumer of Kafka's Java client that accepts, releases and rejects (clients/java/ShareWalk.java), then two that
// share a partition.

import { runJava } from '../jvm.ts';
import { expectEqual, expectThat, observing, type Around, type Case } from '../program.ts';

export function shareCase(classPath: string, around: Around): Case {
  return {
    name: 'ShareConsumer: accept, release, reject; two members',
    run: async () => {
      await observing(around, (observer) => observer.createTopic('shared', 1));
      const args = [around.bootstrap, 'shared', 'share-walk'];
      const { code, out } = await runJava(classPath, 'ShareWalk', args, { timeoutMs: 180_000 });
      expectThat(code === 0, 'the walk to end with 0', out);
      const lines = out.trim().split('\n');
      const expected = Array.from({ length: 30 }, (_, n) => n).flatMap((n) => {
        const verdict = n % 5 === 0 ? 'rejected' : 'accepted';
        if (n % 3 !== 0) return [`${verdict} v${n} delivery 1`];
        return [`released v${n} delivery 1`, `${verdict} v${n} delivery 2`];
      });
      const found = lines.filter((line) => line.includes(' delivery '));
      expectEqual(found.sort().join('\n'), expected.sort().join('\n'), 'the deliveries');
      expectThat(lines.includes('refused what was not delivered'), 'refused what was not delivered', out);
      expectThat(/^together 200 twice 0 /m.test(out), 'each of 200 records once', out);
      return out.trim().replace(/both members \w+/, '');
    },
  };
}
