// Exposes {request, subscribe} to the page, and nothing else, ever.

import { contextBridge, ipcRenderer } from 'electron';
import type { HostMessage } from '../../main/api/contract.ts';

const ipcChannel = 'highwater';

let lastId = 0;
const waiting = new Map<number, { resolve: (output: unknown) => void; reject: (reason: unknown) => void }>();
const receivers = new Map<string, Set<(payload: unknown) => void>>();

ipcRenderer.on(ipcChannel, (_event, message: HostMessage) => {
  if (message.type === 'push') {
    for (const receive of receivers.get(key(message.channel, message.workspace)) ?? []) receive(message.payload);
    return;
  }
  const request = waiting.get(message.id);
  waiting.delete(message.id);
  // Only plain data crosses the context bridge whole: a refusal travels as an object, not as an Error.
  if (message.type === 'answer') request?.resolve(message.output);
  else request?.reject(message.refusal);
});

/** Named here: a sandboxed preload can import nothing. */
const key = (channel: string, workspace: string | undefined) => `${workspace ?? ''} ${channel}`;

contextBridge.exposeInMainWorld('highwater', {
  request(endpoint: string, input: unknown, workspace?: string): Promise<unknown> {
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      ipcRenderer.send(ipcChannel, { type: 'request', id, endpoint, input, workspace });
    });
  },
  subscribe(channel: string, receive: (payload: unknown) => void, workspace?: string): () => void {
    const name = key(channel, workspace);
    const channelReceivers = receivers.get(name) ?? new Set();
    receivers.set(name, channelReceivers);
    if (channelReceivers.size === 0) ipcRenderer.send(ipcChannel, { type: 'subscribe', channel, workspace });
    channelReceivers.add(receive);
    return () => {
      channelReceivers.delete(receive);
      if (channelReceivers.size === 0) ipcRenderer.send(ipcChannel, { type: 'unsubscribe', channel, workspace });
    };
  },
});
