// Picks the way to the engine: Electron's preload when it is there, else a WebSocket on the page's own origin
// with the token that the host put into the address.

import type { Bridge } from '../../main/api/contract.ts';
import { createElectronLink } from './electron-link.ts';
import type { EngineLink } from './engine-link.ts';
import { createWebSocketLink } from './web-socket-link.ts';

declare global {
  interface Window {
    readonly highwater?: Bridge;
  }
}

export function chooseLink(page: Window): EngineLink {
  if (page.highwater) return createElectronLink(page.highwater);
  const address = new URL('/api', page.location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  address.search = '';
  const token = new URLSearchParams(page.location.search).get('token');
  if (token !== null) address.searchParams.set('token', token);
  return createWebSocketLink({
    connect: () => new WebSocket(address),
    nowMs: () => performance.now(),
    random: () => Math.random(),
    isHostUp: () =>
      fetch(page.location.pathname, { method: 'HEAD', cache: 'no-store' }).then(
        (response) => response.ok,
        () => false,
      ),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  });
}
