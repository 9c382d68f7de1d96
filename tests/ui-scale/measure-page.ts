// What the page costs and how smooth it is: measured in the page itself and through Chromium's own counters.

import type { CDPSession, Page } from '@playwright/test';

// What of the page's own globals is used in the functions that run in it.
type Scroller = { scrollTop: number; readonly clientHeight: number; readonly scrollHeight: number };
declare const document: { querySelector(selector: string): Scroller | null };
declare const location: { hash: string };
declare const requestAnimationFrame: (act: (nowMs: number) => void) => void;

export type Frames = { readonly count: number; readonly p50: number; readonly p95: number; readonly worst: number };

/** Time between frames while the scroller of `selector` moves on by `step` pixels a frame. */
export async function framesWhileScrolling(page: Page, selector: string, step: number, forMs: number): Promise<Frames> {
  const times = await page.evaluate(
    ({ selector, step, forMs }) =>
      new Promise<number[]>((resolve) => {
        const scroller = document.querySelector(selector);
        if (scroller === null) throw new Error(`nothing scrolls at ${selector}`);
        const times: number[] = [];
        const begin = performance.now();
        let last = begin;
        let direction = 1;
        const frame = (now: number): void => {
          times.push(now - last);
          last = now;
          if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) direction = -1;
          if (scroller.scrollTop === 0) direction = 1;
          scroller.scrollTop += step * direction;
          if (now - begin < forMs) requestAnimationFrame(frame);
          else resolve(times.slice(2));
        };
        requestAnimationFrame(frame);
      }),
    { selector, step, forMs },
  );
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: times.length, p50: at(0.5), p95: at(0.95), worst: at(1) };
}

/** From the change of the address until what `selector` names is painted. */
export async function openingMs(page: Page, hash: string, selector: string): Promise<number> {
  return page.evaluate(
    ({ hash, selector }) =>
      new Promise<number>((resolve, reject) => {
        const begin = performance.now();
        location.hash = hash;
        const look = (): void => {
          if (document.querySelector(selector) !== null) {
            // The frame that holds it, and the one after: then it is on the screen.
            requestAnimationFrame(() => resolve(performance.now() - begin));
          } else if (performance.now() - begin > 20_000) reject(new Error(`${hash} never showed ${selector}`));
          else requestAnimationFrame(look);
        };
        look();
      }),
    { hash, selector },
  );
}

/** Counts what the engine pushes into the page. */
export function countPushes(session: CDPSession): { bytes(): number; messages(): number } {
  let bytes = 0;
  let messages = 0;
  session.on('Network.webSocketFrameReceived', ({ response }) => {
    bytes += response.payloadData.length;
    messages += 1;
  });
  return { bytes: () => bytes, messages: () => messages };
}

/** Seconds the page's main thread worked, and how much its heap holds. */
export async function pageCost(session: CDPSession): Promise<{ taskSeconds: number; heapBytes: number }> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { taskSeconds: of('TaskDuration'), heapBytes: of('JSHeapUsedSize') };
}
