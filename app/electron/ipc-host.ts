// Hosts the contract over Electron IPC: the same messages as over the WebSocket, one session a window.

import { ipcMain, type IpcMainEvent } from 'electron';
import { openSession, type EngineApi, type HostSession } from '../../main/api/host.ts';

/** The one IPC channel, both ways. */
export const ipcChannel = 'highwater';

/** `isOurs` tells whether a sender's page is ours: any other is not answered. */
export function hostContract(engine: EngineApi, isOurs: (url: string) => boolean): void {
  const sessions = new Map<number, HostSession>();
  ipcMain.on(ipcChannel, (event: IpcMainEvent, message: unknown) => {
    const { sender, senderFrame } = event;
    if (senderFrame === null || !isOurs(senderFrame.url)) return;
    let session = sessions.get(sender.id);
    if (session === undefined) {
      session = openSession(engine, (answer) => {
        if (!sender.isDestroyed()) sender.send(ipcChannel, answer);
      });
      sessions.set(sender.id, session);
      const close = () => {
        sessions.get(sender.id)?.close();
        sessions.delete(sender.id);
      };
      sender.once('destroyed', close);
      // A reload forgets its subscriptions: so must we.
      sender.on('did-start-navigation', (details) => {
        if (details.isMainFrame && !details.isSameDocument) close();
      });
    }
    session.receive(message);
  });
}
