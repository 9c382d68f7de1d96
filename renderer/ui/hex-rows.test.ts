import { expect, test } from 'vitest';
import { bytesOfBase64, hexRow, hexRowCount } from './hex-rows.ts';

test('bytes are shown in hex and, where they are letters, as text', () => {
  const bytes = bytesOfBase64(btoa('high\u0000water mark\u00ff!'));
  expect(hexRowCount(bytes)).toBe(2);
  expect(hexRow(bytes, 0).map((byte) => byte.text)).toEqual([...'high·water mark·']);
  expect(hexRow(bytes, 1)).toEqual([{ at: 16, hex: '21', text: '!' }]);
});
