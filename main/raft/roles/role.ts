// The roles a node can have in the quorum. Legal transitions:
//   unattached  → prospective (election time-out), follower (leader heard of), unattached (newer epoch)
//   prospective → candidate (a majority would vote), follower (leader heard of, or the old one is back), unattached
//   candidate   → leader (majority), prospective (lost or timed out), follower, unattached (newer epoch)
//   follower    → prospective (nothing from the leader), follower and unattached (newer epoch)
//   leader      → resigned (no majority fetches, or asked to), follower and unattached (newer epoch)
//   resigned    → unattached (election time-out, in the next epoch), follower and unattached (newer epoch)
// Kafka's old state "voted" is unattached with a vote.

import type { Follower } from './follower.ts';
import type { Leader } from './leader.ts';
import type { Candidate, Prospective } from './nominee.ts';
import type { Resigned } from './resigned.ts';
import type { Unattached } from './unattached.ts';

export type Role = Unattached | Prospective | Candidate | Follower | Leader | Resigned;
