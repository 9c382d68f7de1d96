// Seeds that once failed, and what was wrong. The plan of a seed changes when the generator does: what was found is also
// held by a test beside the code that was mended.

export const foundSeeds: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 8, found: 'a follower refused an answer that reached over its segment size, and stayed out of the ISR' },
  {
    seed: 56,
    found: 'a topic id that a power loss tore was not written anew, and the next start refused the directory',
  },
  {
    seed: 272,
    found: 'the topic id of an empty log, torn after a clean stop, made the next start refuse the directory',
  },
  {
    seed: 2387,
    found: 'a power loss brought the note of a clean stop back: the next start served torn logs without recovery',
  },
  { seed: 4, found: 'an epoch checkpoint younger than the batches hid that a log differed from its leader’s' },
  { seed: 9157, found: 'a follower that had to begin inside a batch never came back into the ISR' },
  { seed: 65, found: 'a log start raised the recovery point over a topic id that was not safe yet' },
  { seed: 10065, found: 'the first flush after a clean stop left out the small files of what had been an empty log' },
  { seed: 93, found: 'small files that a killed process had not synced were not synced by the next one either' },
  {
    seed: 42329,
    found: 'a dead follower was taken back into the ISR, again and again, because of polls it made before',
  },
  { seed: 44018, found: 'a follower that caught up while its removal was on its way stayed out of the ISR for ever' },
];
