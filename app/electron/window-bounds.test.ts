import { expect, test } from 'vitest';
import { readPlace, restoredBounds } from './window-bounds.ts';

const laptop = { x: 0, y: 0, width: 1440, height: 900 };
const external = { x: 1440, y: -200, width: 2560, height: 1440 };
const at = (x: number, y: number, width = 1280, height = 800) => ({
  bounds: { x, y, width, height },
  maximized: false,
});

test('a window comes back where it was', () => {
  expect(restoredBounds(at(1600, -100), [laptop, external])).toEqual({ x: 1600, y: -100, width: 1280, height: 800 });
});

test('a window whose screen is gone is placed by the system', () => {
  expect(restoredBounds(at(1600, -100), [laptop])).toBeNull();
  expect(restoredBounds(at(100, 890), [laptop])).toBeNull();
  expect(restoredBounds(at(1400, 10), [laptop])).toBeNull();
  expect(restoredBounds(null, [laptop])).toBeNull();
});

test('a window is never smaller than its content can bear', () => {
  expect(restoredBounds(at(0, 0, 10, 10), [laptop])).toEqual({ x: 0, y: 0, width: 900, height: 600 });
});

test('what is stored is read with suspicion', () => {
  expect(readPlace({ bounds: { x: 1, y: 2, width: 3, height: 4 }, maximized: true })).toEqual({
    bounds: { x: 1, y: 2, width: 3, height: 4 },
    maximized: true,
  });
  for (const wrong of [null, 1, {}, { bounds: null }, { bounds: { x: 'a', y: 0, width: 1, height: 1 } }])
    expect(readPlace(wrong)).toBeNull();
});
