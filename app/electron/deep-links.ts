// What a link from outside (`highwater://cluster/NAME/topics/orders?tab=configs`) or a dropped file may do: show a
// place in the app. Never an action: any web page can make a person click such a link. Pure.

import { screenNames } from '../../renderer/state/route.ts';

export const deepLinkScheme = 'highwater';

export type DeepLink = {
  /** The cluster it speaks of, by id or directory name; null: the one that is open. */
  readonly cluster: string | null;
  /** The page's own address of the place: `#/topics/orders`. */
  readonly hash: string;
};

const linkCharactersMax = 2048;
const segmentPattern = /^[\p{L}\p{N}._~ -]{1,249}$/u;
const clusterPattern = /^[\w.-]{1,64}$/;

/** Null for whatever is not a link to a place of ours. */
export function parseDeepLink(link: string): DeepLink | null {
  if (link.length > linkCharactersMax || !URL.canParse(link)) return null;
  const url = new URL(link);
  if (url.protocol !== `${deepLinkScheme}:` || url.hostname !== 'cluster') return null;
  const segments = decodedSegments(url.pathname);
  if (segments === null || !segments.every((segment) => segmentPattern.test(segment))) return null;
  const isScreen = (name: string | undefined) => screenNames.some((screen) => screen === name);
  const [first, ...rest] = segments;
  if (first === undefined) return { cluster: null, hash: '#/cluster' };
  const named = !isScreen(first) || isScreen(rest[0]);
  if (named && !clusterPattern.test(first)) return null;
  const place = named ? rest : segments;
  if (place.length > 0 && !isScreen(place[0])) return null;
  const path = place.length === 0 ? ['cluster'] : place;
  return { cluster: named ? first : null, hash: `#/${path.map(encodeURIComponent).join('/')}${url.search}` };
}

/** The link among a command line's arguments, which is where Windows and Linux put it. */
export function deepLinkOf(args: readonly string[]): DeepLink | null {
  for (const arg of args) {
    const link = parseDeepLink(arg);
    if (link !== null) return link;
  }
  return null;
}

/** Where the page opens a drill file that was dropped on the window or given on the command line. */
export function drillFileHash(path: string): string | null {
  return /\.ya?ml$/i.test(path) ? `#/drills?${new URLSearchParams({ file: path }).toString()}` : null;
}

function decodedSegments(pathname: string): string[] | null {
  try {
    return pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
  } catch {
    return null;
  }
}
