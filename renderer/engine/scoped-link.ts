// A link that speaks to one workspace only: what the screens hold, so that none of them can ask the wrong cluster.

import type { EngineLink } from './engine-link.ts';

/** null: the workspace that the app was started with. */
export function scopedLink(link: EngineLink, workspace: string | null): EngineLink {
  if (workspace === null) return link;
  return {
    ...link,
    bridge: {
      request: (endpoint, input) => link.bridge.request(endpoint, input, workspace),
      subscribe: (channel, receive) => link.bridge.subscribe(channel, receive, workspace),
    },
  };
}
