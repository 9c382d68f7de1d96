// Tells the cluster where this node's controller listens, once per start and again if the log says otherwise
// (KIP-919). Driven by metadata: sends only when the registration in the image is not this incarnation's.

import { ErrorCode } from '../protocol/errors.ts';
import { controllerRegistrationApi } from '../protocol/messages/controller-registration.ts';
import type { Endpoint, SupportedFeature } from '../metadata/cluster-image.ts';
import type { MetadataPublisher } from '../metadata/metadata-loader.ts';
import type { Clock } from '../runtime/runtime.ts';
import type { ControllerChannel } from './controller-channel.ts';

export type ControllerRegistrationOptions = {
  readonly clock: Clock;
  readonly channel: ControllerChannel;
  readonly nodeId: number;
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
  readonly timeoutMs: number;
};

const retryMs = 1000;

/** A publisher to install in the loader; `stop` ends its retries. */
export function controllerRegistration(options: ControllerRegistrationOptions): MetadataPublisher & { stop(): void } {
  const { clock, channel, nodeId, incarnationId, endpoints, features, timeoutMs } = options;
  let isRegistered = false;
  let isSending = false;
  let isStopped = false;

  async function register(): Promise<void> {
    if (isStopped || isRegistered || isSending) return;
    isSending = true;
    const request = { controllerId: nodeId, incarnationId, zkMigrationReady: false, listeners: endpoints, features };
    const response = await channel.send(controllerRegistrationApi, request, { timeoutMs }).catch(() => null);
    isSending = false;
    // When it was taken the image will say so; until then, and on any failure, once more in a while.
    if (response?.errorCode === ErrorCode.NONE) return;
    clock.at(clock.monotonicMs() + retryMs, () => void register());
  }

  return {
    name: 'controller registration',
    onUpdate(_delta, image) {
      // Before the first features there is no cluster to register with.
      if (image.features.metadataVersion === null) return;
      isRegistered = image.cluster.controllers.get(nodeId)?.incarnationId === incarnationId;
      if (!isRegistered) void register();
    },
    stop() {
      isStopped = true;
    },
  };
}
