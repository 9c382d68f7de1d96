import { expect, test } from 'vitest';
import { crc32c, crc32cPortable } from './crc32c.ts';

const bytes = Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 167 + (index >>> 3)) & 0xff));

test('the check value of CRC-32C comes out', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test('native and portable code agree at every length and alignment', () => {
  for (let start = 0; start < 9; start++) {
    for (const length of [0, 1, 7, 8, 9, 63, 64, 319, 320, 321, 1024, 1990]) {
      const end = Math.min(bytes.length, start + length);
      expect(crc32c(bytes, start, end)).toBe(crc32cPortable(bytes, start, end));
    }
  }
});

test('a checksum goes on over several ranges', () => {
  const whole = crc32c(bytes);
  for (const cut of [0, 1, 100, 400, 1700, 2000]) {
    expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(whole);
  }
});
