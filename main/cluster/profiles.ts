// Timing profiles: `kafka` leaves every time-out at Kafka's default; `laptop` shortens the ones that a person waits
// for, so that a drill takes a second instead of ten. Settings not named here keep Kafka's defaults in both.

export type ProfileName = 'laptop' | 'kafka';

const laptop: Readonly<Record<string, string>> = {
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '333',
  'controller.quorum.election.timeout.ms': '300',
  'controller.quorum.fetch.timeout.ms': '600',
  'controller.quorum.election.backoff.max.ms': '200',
  'controller.quorum.request.timeout.ms': '1000',
  // No-op records keep the metadata log of an idle cluster moving; each costs three fsyncs.
  'metadata.max.idle.interval.ms': '5000',
  'replica.lag.time.max.ms': '2000',
  'group.initial.rebalance.delay.ms': '200',
  // Members of KIP-848's, of share and of streams groups learn of a rebalance with their next heartbeat: each step of it takes one.
  'group.consumer.min.heartbeat.interval.ms': '500',
  'group.consumer.heartbeat.interval.ms': '500',
  'group.consumer.min.session.timeout.ms': '5000',
  'group.consumer.session.timeout.ms': '10000',
  'group.share.min.heartbeat.interval.ms': '500',
  'group.share.heartbeat.interval.ms': '500',
  'group.share.min.session.timeout.ms': '5000',
  'group.share.session.timeout.ms': '10000',
  'group.streams.min.heartbeat.interval.ms': '500',
  'group.streams.heartbeat.interval.ms': '500',
  'group.streams.min.session.timeout.ms': '5000',
  'group.streams.session.timeout.ms': '10000',
  'group.streams.initial.rebalance.delay.ms': '200',
};

export const profiles: Readonly<Record<ProfileName, Readonly<Record<string, string>>>> = { laptop, kafka: {} };

export function isProfileName(name: string): name is ProfileName {
  return name === 'laptop' || name === 'kafka';
}
