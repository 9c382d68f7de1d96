// GetTelemetrySubscriptions (71) and PushTelemetry (72), versions 0. KIP-714.

import { route, type Route } from '../../net/route.ts';
import { getTelemetrySubscriptionsApi } from '../../protocol/messages/get-telemetry-subscriptions.ts';
import { pushTelemetryApi } from '../../protocol/messages/push-telemetry.ts';
import type { ClientMetrics } from '../client-metrics/client-metrics.ts';

const onClient = { listeners: ['client'] } as const;

export function clientMetricsRoutes(clientMetrics: ClientMetrics): Route[] {
  return [
    route(getTelemetrySubscriptionsApi, onClient, (context, request) =>
      clientMetrics.getSubscriptions(context, request),
    ),
    route(pushTelemetryApi, onClient, (context, request) => clientMetrics.push(context, request)),
  ];
}
