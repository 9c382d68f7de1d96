// What differs between any two clusters, out of a program's answer: addresses, ids made at random, times, paths.

import type { Around } from './program.ts';

/** Lines without stack frames; columns that are aligned by spaces are separated by one. */
export function normal(text: string, { cluster }: Around): string {
  let answer = text;
  for (const { id, host, port, controllerPort } of cluster.nodes) {
    answer = answer.replaceAll(new RegExp(`(${host}:|\\b)${port}\\b`, 'g'), `$1PORT-${id}`);
    answer = answer.replaceAll(new RegExp(`(${host}:|\\b)${controllerPort}\\b`, 'g'), `$1CONTROLLER-${id}`);
  }
  return answer
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replaceAll(/(?<![\w/-])[\w-]{22}(?![\w-])/g, (word) => (isBase64Uuid(word) ? 'ID' : word))
    .replaceAll(/Local controller \d/g, 'Local controller ID')
    .replaceAll(/(tries=|after )\d+(?=,| attempt)/g, '$1N')
    .replaceAll(/producerId=\d+/g, 'producerId=N')
    .replaceAll(/\b1[6-9]\d{11}\b/g, 'TIME')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,:]?\d*(?:Z|[+-]\d\d:?\d\d)?/g, 'TIME')
    .replaceAll(/(?:\/[\w.-]+)+\/node-(\d)(?:\/data)?/g, 'DIRECTORY-$1')
    .split('\n')
    .filter((line) => !/^\s+(?:at |\.\.\. \d+ more)/.test(line))
    .map((line) => line.replaceAll(/[ \t]+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** 16 bytes at random in base64 hold both cases and a digit all but always; names of configs and groups don't. */
const isBase64Uuid = (word: string): boolean => /[a-z]/.test(word) && /[A-Z]/.test(word) && /[\d_-]/.test(word);

/** For answers whose order is that of a hash table. */
export function sorted(text: string): string {
  return text.split('\n').sort().join('\n');
}

/** Lines that match. */
export function only(text: string, pattern: RegExp): string {
  return text
    .split('\n')
    .filter((line) => pattern.test(line))
    .join('\n');
}
