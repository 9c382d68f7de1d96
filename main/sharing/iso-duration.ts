// Durations as ISO 8601 and Java's `Duration` write them: `P1DT2H`, `PT30S`. Days have 24 hours.

const pattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;
const unitsMs = [86_400_000, 3_600_000, 60_000, 1000];

/** Milliseconds; null when it is no such duration. */
export function isoDurationMs(text: string): number | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const parts = match.slice(1);
  if (parts.every((part) => part === undefined)) return null;
  return Math.round(parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (unitsMs[index] ?? 0), 0));
}
