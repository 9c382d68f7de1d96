// Hosts the contract over Electron IPC: the same messages as over the WebSocket, one session a window. Only the main
// frame of a page of ours is answered.

import { ipcMain, type IpcMainEvent, type WebContents } from 'electron';
import { openSession, type AppApi, type HostSession } from '../../main/api/host.ts';

/** The one IPC channel, both ways. */
export const ipcChannel = 'highwater';

/** `isOurs` tells whether a sender's page is ours: any other is not answered. */
export function hostContract(app: AppApi, isOurs: (url: string) => boolean): void {
  const sessions = new Map<number, HostSession>();
  ipcMain.on(ipcChannel, (event: IpcMainEvent, message: unknown) => {
    const { sender, senderFrame } = event;
    // A frame that is gone, a frame within the page, a page of somebody else: no answer, so that nothing is learnt.
    if (senderFrame === null || senderFrame.parent !== null || !isOurs(senderFrame.url)) return;
    const session = sessions.get(sender.id) ?? open(sender);
    session.receive(message);
  });

  function open(sender: WebContents): HostSession {
    const session = openSession(app, (answer) => {
      if (!sender.isDestroyed()) sender.send(ipcChannel, answer);
    });
    sessions.set(sender.id, session);
    const close = () => {
      // A session that was opened since, by the page's next document, is not this one's to close.
      if (sessions.get(sender.id) !== session) return;
      session.close();
      sessions.delete(sender.id);
    };
    sender.once('destroyed', close);
    sender.once('render-process-gone', close);
    // A reload forgets its subscriptions: so must we.
    sender.on('did-start-navigation', (details) => {
      if (details.isMainFrame && !details.isSameDocument) close();
    });
    return session;
  }
}
