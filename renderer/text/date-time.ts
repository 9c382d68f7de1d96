// Dates with their time, in the person's own zone, milliseconds always.

import { formatClock, unknown } from './format.ts';

export function formatDateTime(wallMs: number): string {
  if (wallMs < 0) return unknown;
  const at = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${formatClock(wallMs)}`;
}
