// Electron's `protocol` and `session`: what they were told, asked by the browser for each request.

type Handler = (request: Request) => Response | Promise<Response>;
type PermissionAnswer = (granted: boolean) => void;
type PermissionHandler = (contents: unknown, permission: string, answer: PermissionAnswer, details: object) => void;
type PermissionCheck = (contents: unknown, permission: string, origin: string, details: object) => boolean;
type RequestListener = (details: { url: string }, answer: (response: { cancel?: boolean }) => void) => void;

export class DoubleProtocol {
  readonly #handlers = new Map<string, Handler>();
  readonly #standard = new Set<string>();

  registerSchemesAsPrivileged(schemes: readonly { scheme: string; privileges?: { standard?: boolean } }[]): void {
    for (const { scheme, privileges } of schemes) if (privileges?.standard === true) this.#standard.add(scheme);
  }

  handle(scheme: string, handler: Handler): void {
    if (this.#handlers.has(scheme)) throw new Error(`Failed to register protocol: ${scheme}`);
    this.#handlers.set(scheme, handler);
  }

  handlerOf(url: string): Handler | undefined {
    return this.#handlers.get(url.slice(0, url.indexOf(':')));
  }

  /** Chromium routes no request of an unknown scheme, so that `app://host/` is shown as `http://host.app.localhost/`. */
  toBrowser(url: string): string {
    const [, scheme, host, rest] = /^([a-z]+):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
    if (scheme === undefined || host === undefined || !this.#standard.has(scheme)) return url;
    return `http://${host}.${scheme}.localhost${rest}`;
  }

  fromBrowser(url: string): string {
    const [, host, scheme, rest] = /^http:\/\/([^/?#]+)\.([a-z]+)\.localhost(.*)$/.exec(url) ?? [];
    if (scheme === undefined || !this.#standard.has(scheme)) return url;
    return `${scheme}://${host}${rest}`;
  }
}

export class DoubleSession {
  #permissionRequest: PermissionHandler | null = null;
  #permissionCheck: PermissionCheck | null = null;
  #beforeRequest: RequestListener | null = null;
  readonly webRequest = { onBeforeRequest: (listener: RequestListener) => void (this.#beforeRequest = listener) };

  setPermissionRequestHandler(handler: PermissionHandler): void {
    this.#permissionRequest = handler;
  }

  setPermissionCheckHandler(handler: PermissionCheck): void {
    this.#permissionCheck = handler;
  }

  setDevicePermissionHandler(): void {
    // Headless Chromium has no devices to give.
  }

  /** As in Electron, everything is granted where nobody refuses. */
  isGranted(contents: unknown, permission: string): boolean {
    if (this.#permissionCheck?.(contents, permission, '', {}) === false) return false;
    let granted = true;
    this.#permissionRequest?.(contents, permission, (answer) => (granted = answer), {});
    return granted;
  }

  isCancelled(url: string): boolean {
    let cancelled = false;
    this.#beforeRequest?.({ url }, ({ cancel }) => (cancelled = cancel === true));
    return cancelled;
  }
}
