// Version ranges as the schemas write them.

export type VersionRange = { readonly min: number; readonly max: number };

/** `3-9`, `4+`, `2` or `none` (an empty range). */
export function parseVersions(text: string): VersionRange {
  if (text === 'none') return { min: 0, max: -1 };
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`not a version range: ${text}`);
  const min = Number(match[1]);
  if (match[2] !== undefined) return { min, max: 0x7fff };
  return { min, max: match[3] === undefined ? min : Number(match[3]) };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}
