// The walk through Kafka's Java Admin (clients/java/AdminWalk.java): more than eighty calls; for each the lines or the
// error that it must give.

import { runJava } from '../jvm.ts';
import { normal } from '../normal.ts';
import { expectThat, type Around, type Case } from '../program.ts';

/** By call: what its answer must hold. Calls that are not here must not fail. */
const expected: Readonly<Record<string, RegExp>> = {
  describeCluster: /operations \[.*ALTER.*\]/,
  describeFeatures: /^finalized metadata\.version/m,
  'updateFeatures, validate only': /error InvalidUpdateVersionException/,
  describeMetadataQuorum: /voters \[1, 2, 3\]/,
  createTopics: /100000 DYNAMIC_TOPIC_CONFIG/,
  'createTopics again': /error TopicExistsException/,
  'createTopics, too many replicas': /error InvalidReplicationFactorException/,
  "createTopics, a name that can't be": /error InvalidTopicException/,
  'createTopics, names that collide': /error InvalidTopicException/,
  describeTopics: /1 replicas \[2, 3, 1\] in sync \[1, 2, 3\]/,
  'describeTopics by id': /1 replicas \[2, 3, 1\]/,
  'describeTopics, an unknown id': /error UnknownTopicIdException/,
  'describeTopics, a missing one': /error UnknownTopicOrPartitionException/,
  createPartitions: /2 replicas \[3, 1, 2\]/,
  'createPartitions, fewer': /error InvalidPartitionsException/,
  'incrementalAlterConfigs, an append to what is no list': /error InvalidConfigurationException/,
  'incrementalAlterConfigs, validate only': /error InvalidConfigurationException/,
  'describeConfigs of a topic': /segment\.bytes=2097152 DYNAMIC_TOPIC_CONFIG INT /,
  'describeConfigs of a missing topic': /error UnknownTopicOrPartitionException/,
  listOffsets: /LatestSpec 10 at [\s\S]*MaxTimestampSpec 9 at 18|MaxTimestampSpec 9 at 18[\s\S]*/,
  'listOffsets of a missing partition': /error (?:TimeoutException|UnknownTopicOrPartitionException)/,
  deleteRecords: /^3$/,
  'deleteRecords, too far': /error OffsetOutOfRangeException/,
  describeLogDirs: /3 walk-2 lag 0 future false/,
  listConsumerGroupOffsets: /offset=5/,
  'describeConsumerGroups, with a member': /walk-0, walk-1, walk-2/,
  'deleteConsumerGroups, in use': /error GroupNotEmptyException/,
  'removeMembersFromConsumerGroup, none such': /error (?:KafkaException|UnknownMemberIdException)/,
  'deleteConsumerGroups, none such': /error GroupIdNotFoundException/,
  'describeConsumerGroups, none such': /error GroupIdNotFoundException/,
  'describeStreamsGroups, none such': /error GroupIdNotFoundException/,
  listTransactions: /ONGOING|Ongoing/,
  'listTransactions by pattern': /^walking$/,
  describeTransactions: /\[walk-1\]/,
  'the producer that was fenced': /Fenced|InvalidProducerEpoch/,
  'describeTransactions, none such': /error TransactionalIdNotFoundException/,
  'electLeaders, not needed': /ElectionNotNeededException/,
  'electLeaders, a missing one': /UnknownTopicOrPartitionException/,
  listPartitionReassignments: /^2\n?1|^1\n2/,
  'alterPartitionReassignments, to nobody': /error InvalidReplicaAssignmentException/,
  'alterPartitionReassignments, nothing to cancel': /error NoReassignmentInProgressException/,
  'alterClientQuotas, half a byte': /error InvalidRequestException/,
  'alterClientQuotas, no such key': /error InvalidRequestException/,
  describeClientQuotas: /producer_byte_rate=1024\.0/,
  "createAcls, what can't be": /error InvalidRequestException/,
  describeAcls: /User:walker.*WRITE.*DENY/,
  'unregisterBroker, none such': /error BrokerIdNotRegisteredException/,
  'deleteTopics again': /error UnknownTopicOrPartitionException/,
  'deleteTopics, an unknown id': /error UnknownTopicIdException/,
};

/** Calls whose answer is looked at only in the comparison. */
const mayFail = new Set([
  'abortTransaction, of an epoch that is over',
  'forceTerminateTransaction',
  'clientInstanceId',
  "describeConfigs of a broker's loggers",
]);

export function adminCase(classPath: string, around: Around): Case {
  return {
    name: 'Admin, call by call',
    run: async () => {
      const { code, out } = await runJava(classPath, 'AdminWalk', [around.bootstrap], { timeoutMs: 240_000 });
      expectThat(code === 0, 'the walk to end with 0', out);
      const answers = new Map(
        out
          .split(/^== /m)
          .slice(1)
          .map((each): [string, string] => {
            const [call = '', ...lines] = each.split('\n');
            return [call, lines.join('\n').trim()];
          }),
      );
      expectThat(answers.size >= 80, '80 calls', String(answers.size));
      const wrong = [...answers].flatMap(([call, answer]) => {
        const pattern = expected[call];
        const isRight = pattern === undefined ? mayFail.has(call) || !answer.startsWith('error') : pattern.test(answer);
        return isRight ? [] : [`${call}: ${answer}`];
      });
      expectThat(wrong.length === 0, 'every call to be answered right', wrong.join('\n'));
      return normal([...answers].map(([call, answer]) => answer.replaceAll(/^/gm, `${call}: `)).join('\n'), around);
    },
  };
}
