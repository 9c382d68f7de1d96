// The address bar as state: what is shown follows it, so that every place has a link and back and forward work.

import { type Query, type Route, readRoute, type ScreenName, writeRoute } from './route.ts';

export class Router {
  route = $state.raw<Route>(readRoute(location.hash));

  /** Begins to follow the address; returns the function that ends it. */
  follow(): () => void {
    const read = (): void => {
      if (writeRoute(this.route) !== location.hash) this.route = readRoute(location.hash);
    };
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }

  href(screen: ScreenName, path: readonly (string | number)[] = [], query: Query = {}): string {
    return writeRoute({ workspace: this.route.workspace, screen, path: path.map(String), query });
  }

  /** Another cluster's screen, with nothing carried over. */
  enter(workspace: string, screen: ScreenName = 'cluster'): void {
    this.route = { workspace, screen, path: [], query: {} };
    history.pushState(null, '', writeRoute(this.route));
  }

  /** Goes somewhere else: a new entry of the history. */
  go(screen: ScreenName, path: readonly (string | number)[] = [], query: Query = {}): void {
    this.route = { ...this.route, screen, path: path.map(String), query };
    history.pushState(null, '', writeRoute(this.route));
  }

  /** The same place by its full name: no new entry. */
  replace(screen: ScreenName, path: readonly string[]): void {
    this.route = { ...this.route, screen, path };
    history.replaceState(null, '', writeRoute(this.route));
  }

  /** Changes filters or selections of the place itself: no new entry. null removes one. */
  setQuery(changes: Readonly<Record<string, string | null>>): void {
    const query: Record<string, string> = { ...this.route.query };
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') delete query[name];
      else query[name] = value;
    }
    this.route = { ...this.route, query };
    history.replaceState(null, '', writeRoute(this.route));
  }

  query(name: string): string {
    return this.route.query[name] ?? '';
  }
}
