// Topics that belong to the brokers themselves; clients read them and don't write to them.

const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
]);

export function isInternalTopic(topic: string): boolean {
  return internalTopics.has(topic);
}
