// SIGINT and SIGTERM as one promise; a second one ends the process at once.

export type EndSignal = { readonly whenAsked: Promise<void>; now(): void; release(): void };

export function endSignal(): EndSignal {
  let asked = false;
  let resolveAsked: () => void = () => undefined;
  const whenAsked = new Promise<void>((resolve) => (resolveAsked = resolve));
  const receive = () => {
    // The brokers end by themselves when their channel closes.
    if (asked) process.exit(130);
    asked = true;
    resolveAsked();
  };
  process.on('SIGINT', receive);
  process.on('SIGTERM', receive);
  process.on('SIGHUP', receive);
  return {
    whenAsked,
    now: () => {
      asked = true;
      resolveAsked();
    },
    release: () => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, receive);
    },
  };
}
