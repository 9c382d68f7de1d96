// The way through Electron's preload. IPC does not break while the window lives, so it is always connected.

import type { Bridge } from '../../main/api/contract.ts';
import type { EngineLink } from './engine-link.ts';

export function createElectronLink(bridge: Bridge): EngineLink {
  return {
    bridge,
    watch(receive) {
      receive({ phase: 'connected' });
      return () => undefined;
    },
    retry: () => undefined,
  };
}
