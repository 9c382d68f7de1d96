// What no page may do, whatever it shows: leave our origin, open windows, load from elsewhere, ask for devices. One
// page of ours, nothing remote.

import { app, session, shell, type Session, type WebContents } from 'electron';
import { isOurs } from './app-protocol.ts';

/** Copy buttons need this one; reading the clipboard stays forbidden. */
const grantedPermissions: readonly string[] = ['clipboard-sanitized-write'];

export type LockdownOptions = {
  /** A file dropped on the page would navigate to it: that is refused, and its address handed on. */
  onFileDropped(url: string): void;
};

/** Once the app is ready, before the first window. */
export function lockDown(options: LockdownOptions): void {
  lockDownSession(session.defaultSession);
  app.on('web-contents-created', (_event, contents) => lockDownContents(contents, options));
}

function lockDownSession(own: Session): void {
  const isGranted = (permission: string, url: string) => grantedPermissions.includes(permission) && isOurs(url);
  own.setPermissionRequestHandler((contents, permission, answer) => {
    answer(isGranted(permission, contents.getURL()));
  });
  own.setPermissionCheckHandler(
    (contents, permission) => contents !== null && isGranted(permission, contents.getURL()),
  );
  own.setDevicePermissionHandler(() => false);
  // Belt and braces: the page's policy says the same, and this holds for pages that are not ours, too.
  own.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isOurs(url) && !isInternal(url) }));
}

function lockDownContents(contents: WebContents, { onFileDropped }: LockdownOptions): void {
  // Links open in the person's browser, and only where the address can't be anything but a web page.
  contents.setWindowOpenHandler(({ url }) => {
    if (isPlainWebAddress(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  // Fired for the main frame and for frames within; will-navigate would be a second question about the same thing.
  contents.on('will-frame-navigate', (event) => {
    if (isOurs(event.url)) return;
    event.preventDefault();
    if (event.isMainFrame && event.url.startsWith('file:')) onFileDropped(event.url);
  });
  contents.on('will-redirect', (event) => {
    if (!isOurs(event.url)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function isInternal(url: string): boolean {
  return url.startsWith('devtools:') || url.startsWith('data:') || url.startsWith('blob:app:');
}

function isPlainWebAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return protocol === 'https:' && username === '' && password === '';
}
