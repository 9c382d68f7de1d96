// Partitions as people write them: `orders 0–3, 7 · payments 1`.

export type TopicPartitions = { readonly topic: string; readonly partitions: readonly number[] };

export function partitionsText(topics: readonly TopicPartitions[]): string {
  const held = topics.filter(({ partitions }) => partitions.length > 0);
  return held.map(({ topic, partitions }) => `${topic} ${partitionRanges(partitions)}`).join(' · ') || 'nothing';
}

/** 0–3, 7 */
export function partitionRanges(partitions: readonly number[]): string {
  const sorted = partitions.toSorted((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end += 1;
    parts.push(start === end ? `${sorted[start] ?? ''}` : `${sorted[start] ?? ''}–${sorted[end] ?? ''}`);
    start = end + 1;
  }
  return parts.join(', ');
}
