// Client metrics subscriptions (KIP-714): who is asked for which metrics and how often, from the resources of type
// CLIENT_METRICS in the metadata.

import { compileTopicRegex, type TopicRegex } from '../../core/topic-regex.ts';
import { listValues } from '../../metadata/configs/config-definition.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { ConfigResourceType } from '../../metadata/settings-image.ts';

export const pushIntervalMsDefault = 300_000;
/** Stands for all metrics. */
const allMetrics = '*';

/** `client_id` and the other names that a `match` may have. */
export type ClientAttributes = ReadonlyMap<string, string>;

export type Subscription = {
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  readonly match: readonly (readonly [attribute: string, pattern: TopicRegex])[];
};

export function subscriptionsOf(image: MetadataImage): Subscription[] {
  const found: Subscription[] = [];
  for (const { resource, values } of image.configs.values()) {
    if (resource.type === ConfigResourceType.CLIENT_METRICS && values.size > 0) found.push(subscriptionOf(values));
  }
  return found;
}

function subscriptionOf(values: ReadonlyMap<string, string>): Subscription {
  return {
    metrics: listValues(values.get('metrics') ?? ''),
    intervalMs: Number(values.get('interval.ms') ?? pushIntervalMsDefault),
    // The controller has validated them: anything else was written by another one, and matches nobody.
    match: listValues(values.get('match') ?? '').map((pattern) => {
      const [attribute = '', expression = ''] = pattern.split('=');
      return [attribute.trim(), compileOrNothing(expression.trim())];
    }),
  };
}

function compileOrNothing(expression: string): TopicRegex {
  try {
    return compileTopicRegex(expression);
  } catch {
    return { matches: () => false };
  }
}

/** What all subscriptions that match a client ask of it together. */
export function askedOf(
  client: ClientAttributes,
  subscriptions: readonly Subscription[],
): { readonly metrics: readonly string[]; readonly intervalMs: number } {
  const metrics = new Set<string>();
  let intervalMs = pushIntervalMsDefault;
  for (const subscription of subscriptions) {
    const isMatch = subscription.match.every(([name, pattern]) => {
      const attribute = client.get(name);
      return attribute !== undefined && pattern.matches(attribute);
    });
    if (!isMatch) continue;
    for (const metric of subscription.metrics) metrics.add(metric);
    intervalMs = Math.min(intervalMs, subscription.intervalMs);
  }
  return { metrics: metrics.has(allMetrics) ? [allMetrics] : [...metrics], intervalMs };
}
