// Words and shapes for the states of brokers, replicas, the cluster and the quorum's nodes.

import type { ClusterView, ReplicaView } from '../../main/api/views.ts';
import type { BrokerStanding } from '../state/matrix-rows.ts';
import type { GlyphShape, GlyphTone } from '../ui/StateGlyph.svelte';

export type Look = {
  readonly word: string;
  readonly shape: GlyphShape;
  readonly tone: GlyphTone;
  readonly meaning: string;
};

export const brokerLooks: Readonly<Record<BrokerStanding, Look>> = {
  starting: {
    word: 'Starting',
    shape: 'clock',
    tone: 'degraded',
    meaning: 'The process runs; it has not registered with the controller yet.',
  },
  fenced: {
    word: 'Fenced',
    shape: 'half',
    tone: 'degraded',
    meaning: 'The controller does not let it lead: it is catching up, or its session ended.',
  },
  active: { word: 'Active', shape: 'disc', tone: 'ok', meaning: 'Registered and unfenced.' },
  frozen: {
    word: 'Frozen',
    shape: 'snow',
    tone: 'frozen',
    meaning: 'Stopped by SIGSTOP: the process exists but does nothing.',
  },
  stopping: {
    word: 'Stopping',
    shape: 'clock',
    tone: 'degraded',
    meaning: 'Controlled shutdown: leaders move away, then the process exits.',
  },
  stopped: { word: 'Stopped', shape: 'square', tone: 'muted', meaning: 'Shut down in order.' },
  killed: { word: 'Killed', shape: 'cross', tone: 'lost', meaning: 'Killed by SIGKILL from here.' },
  crashed: { word: 'Crashed', shape: 'triangle', tone: 'lost', meaning: 'The process died by itself.' },
};

export const replicaLooks: Readonly<Record<ReplicaView['state'], Look>> = {
  leader: { word: 'leader', shape: 'diamond', tone: 'accent', meaning: 'Takes the writes.' },
  'in-sync': {
    word: 'in sync',
    shape: 'disc',
    tone: 'ok',
    meaning: 'In the ISR: holds everything that was acknowledged.',
  },
  lagging: {
    word: 'lagging',
    shape: 'half',
    tone: 'degraded',
    meaning: 'Alive, but out of the ISR until it has caught up.',
  },
  offline: { word: 'offline', shape: 'ring', tone: 'lost', meaning: 'Its broker does not answer.' },
};

/** The broker that the metadata still names as leader, while it does not answer. */
export const deadLeaderLook: Look = {
  word: 'leader down',
  shape: 'hollow-diamond',
  tone: 'lost',
  meaning:
    'Still the leader in the metadata, but it does not answer: nobody can write until the controller elects another.',
};

/** What the cluster still believes of a replica whose process is frozen, until its session ends. */
export const frozenLeaderLook: Look = {
  word: 'leader frozen',
  shape: 'hollow-diamond',
  tone: 'frozen',
  meaning: 'Still the leader in the metadata, but its process is frozen: nobody can write until another is elected.',
};
export const frozenReplicaLook: Look = {
  word: 'frozen',
  shape: 'snow',
  tone: 'frozen',
  meaning: 'Its process is frozen; in the metadata it keeps its place until its session ends.',
};

export const clusterLooks: Readonly<Record<ClusterView['state'], Look>> = {
  starting: { word: 'Starting', shape: 'clock', tone: 'degraded', meaning: 'Brokers are registering.' },
  ready: {
    word: 'Ready',
    shape: 'disc',
    tone: 'ok',
    meaning: 'Every broker is unfenced and every partition has all its replicas in sync.',
  },
  degraded: {
    word: 'Degraded',
    shape: 'half',
    tone: 'degraded',
    meaning: 'Something is missing: a broker, a leader or a replica in sync.',
  },
  stopping: { word: 'Stopping', shape: 'clock', tone: 'degraded', meaning: 'The cluster is shutting down in order.' },
  failed: {
    word: 'Failed',
    shape: 'triangle',
    tone: 'lost',
    meaning: 'The cluster could not start or lost its supervisor.',
  },
};

export const profileMeanings: Readonly<Record<ClusterView['profile'], string>> = {
  laptop:
    'Timing profile “laptop”: shorter session, fetch and election time-outs than Kafka’s defaults, so that a drill takes a second instead of ten.',
  kafka: 'Timing profile “kafka”: Kafka’s own time-outs.',
};

export function quorumLook(role: string): Look {
  const known: Record<string, Look> = {
    leader: {
      word: 'leader',
      shape: 'diamond',
      tone: 'accent',
      meaning: 'Leads the metadata quorum and is the active controller.',
    },
    follower: { word: 'follower', shape: 'disc', tone: 'ok', meaning: 'Follows the quorum leader.' },
    prospective: {
      word: 'prospective',
      shape: 'half',
      tone: 'degraded',
      meaning: 'Lost its leader; asks for pre-votes before it burns an epoch.',
    },
    candidate: { word: 'candidate', shape: 'half', tone: 'degraded', meaning: 'Stands for election in this epoch.' },
    unattached: { word: 'unattached', shape: 'ring', tone: 'degraded', meaning: 'Knows no leader yet.' },
    voted: { word: 'voted', shape: 'half', tone: 'degraded', meaning: 'Gave its vote and waits for the result.' },
    resigned: { word: 'resigned', shape: 'half', tone: 'degraded', meaning: 'Gave up leading.' },
    observer: { word: 'observer', shape: 'disc', tone: 'muted', meaning: 'Reads the metadata log without a vote.' },
    unreachable: { word: 'unreachable', shape: 'ring', tone: 'lost', meaning: 'Reports nothing.' },
  };
  return known[role.toLowerCase()] ?? { word: role.toLowerCase(), shape: 'ring', tone: 'muted', meaning: '' };
}
