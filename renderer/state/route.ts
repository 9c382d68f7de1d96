// Where in the app a person is, as a part of the address: `#/@orders-dev/topics/orders?tab=configs`. Pure.

export const screenNames = [
  'workspaces',
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
  /** Whose cluster; null: the one that the app was started with. */
  readonly workspace: string | null;
  readonly screen: ScreenName;
  /** What is looked at within the screen: `['orders', '3']`. */
  readonly path: readonly string[];
  /** Filters, tabs, selections. */
  readonly query: Query;
};

export const home: Route = { workspace: null, screen: 'cluster', path: [], query: {} };

/** An address that means nothing leads home. */
export function readRoute(hash: string): Route {
  const [place = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const parts = place.split('/').map(decode);
  const workspace = /^@[\w.-]{1,64}$/.test(parts[0] ?? '') ? (parts.shift()?.slice(1) ?? null) : null;
  const [first = '', ...rest] = parts;
  const screen = screenNames.find((name) => name === first);
  if (screen === undefined) return { ...home, workspace };
  return {
    workspace,
    screen,
    path: rest.filter((part) => part !== ''),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

export function writeRoute(route: Route): string {
  const scope = route.workspace === null ? '' : `@${route.workspace}/`;
  const place = scope + [route.screen, ...route.path].map(encodeURIComponent).join('/');
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
