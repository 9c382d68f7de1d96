// Where in the app a person is, as a part of the address: `#/topics/orders?tab=configs`. Pure.

export const screenNames = [
  'cluster',
  'quorum',
  'topics',
  'messages',
  'groups',
  'producers',
  'drills',
  'brokers',
  'events',
  'settings',
] as const;
export type ScreenName = (typeof screenNames)[number];

export type Query = Readonly<Record<string, string>>;

export type Route = {
  readonly screen: ScreenName;
  /** What is looked at within the screen: `['orders', '3']`. */
  readonly path: readonly string[];
  /** Filters, tabs, selections. */
  readonly query: Query;
};

export const home: Route = { screen: 'cluster', path: [], query: {} };

/** An address that means nothing leads home. */
export function readRoute(hash: string): Route {
  const [place = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [first = '', ...rest] = place.split('/').map(decode);
  const screen = screenNames.find((name) => name === first);
  if (screen === undefined) return home;
  return {
    screen,
    path: rest.filter((part) => part !== ''),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

export function writeRoute(route: Route): string {
  const place = [route.screen, ...route.path].map(encodeURIComponent).join('/');
  const search = new URLSearchParams(route.query).toString();
  return `#/${place}${search === '' ? '' : `?${search}`}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A lone percent sign is no escape; it stands for itself.
    return part;
  }
}
