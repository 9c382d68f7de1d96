// How a sandboxed preload script runs in the double: before the page's own scripts, with `require('electron')` only,
// its API handed to the page as copies. Runs in the page's own world: the double does not prove isolation.

/** `send` and `deliver` are the names of the hidden ways between page and double. */
export function preloadScript(source: string, names: { send: string; deliver: string }): string {
  return `(${runPreload.toString()})(${JSON.stringify(names)}, function (require, module, exports) {${source}\n});`;
}

type Names = { readonly send: string; readonly deliver: string };
type Preload = (require: (name: string) => unknown, module: object, exports: object) => void;

/** Stringified into the page: uses nothing from outside itself. */
function runPreload(names: Names, preload: Preload): void {
  type Scope = Record<string, unknown> & { top: unknown };
  const page = globalThis as unknown as Scope;
  const send = page[names.send] as (channel: string, args: unknown[]) => void;
  Reflect.deleteProperty(page, names.send);
  // As in Electron: frames within the page get no preload.
  if (page.top !== page) return;

  const listeners = new Map<string, ((event: object, ...args: unknown[]) => void)[]>();
  const ipcRenderer = {
    on: (channel: string, listen: () => void) =>
      void listeners.set(channel, [...(listeners.get(channel) ?? []), listen]),
    send: (channel: string, ...args: unknown[]) => send(channel, structuredClone(args)),
  };
  Object.defineProperty(page, names.deliver, {
    value: (channel: string, args: unknown[]) => {
      for (const listen of listeners.get(channel) ?? []) listen({}, ...args);
    },
  });

  const cross = (value: unknown): unknown => {
    if (typeof value === 'function') {
      const called = value as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => cross(called(...args.map(cross)));
    }
    if (value instanceof Promise) {
      const lose = (reason: unknown): never => {
        throw cross(reason);
      };
      return value.then(cross, lose);
    }
    if (value instanceof Error) return new Error(value.message);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(cross);
    if (Object.getPrototypeOf(value) === Object.prototype) {
      return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cross(each)])));
    }
    return structuredClone(value);
  };
  const contextBridge = {
    exposeInMainWorld: (key: string, api: unknown) =>
      Object.defineProperty(page, key, { value: cross(api), enumerable: true }),
  };
  const require = (name: string): unknown => {
    if (name !== 'electron') throw new Error(`a sandboxed preload can't require ${name}`);
    return { contextBridge, ipcRenderer };
  };
  const module = { exports: {} };
  preload(require, module, module.exports);
}
