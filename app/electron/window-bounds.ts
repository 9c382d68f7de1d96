// Where a window was, checked against the screens that are there now. Pure.

export type Rectangle = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

export type WindowPlace = { readonly bounds: Rectangle; readonly maximized: boolean };

export const smallestWindow = { width: 900, height: 600 } as const;
export const firstWindow = { width: 1280, height: 800 } as const;
/** So much of the title bar must be on a screen that a person can take hold of it. */
const graspable = { width: 100, height: 30 } as const;

/** Bounds to open with: null (let the system choose) when no screen shows the window any more. */
export function restoredBounds(place: WindowPlace | null, screens: readonly Rectangle[]): Rectangle | null {
  if (place === null) return null;
  const { x, y } = place.bounds;
  const width = Math.max(place.bounds.width, smallestWindow.width);
  const height = Math.max(place.bounds.height, smallestWindow.height);
  const seen = screens.some((screen) => {
    const right = Math.min(x + width, screen.x + screen.width);
    const isWide = right - Math.max(x, screen.x) >= graspable.width;
    return isWide && y >= screen.y && y <= screen.y + screen.height - graspable.height;
  });
  return seen ? { x, y, width, height } : null;
}

/** Reads a stored place; null for whatever is not one. */
export function readPlace(stored: unknown): WindowPlace | null {
  if (typeof stored !== 'object' || stored === null || !('bounds' in stored)) return null;
  const { bounds } = stored;
  if (typeof bounds !== 'object' || bounds === null) return null;
  const { x, y, width, height } = bounds as Record<string, unknown>;
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  if (!isNumber(x) || !isNumber(y) || !isNumber(width) || !isNumber(height)) return null;
  return { bounds: { x, y, width, height }, maximized: 'maximized' in stored && stored.maximized === true };
}
