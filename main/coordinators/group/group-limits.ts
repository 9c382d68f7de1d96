// Settings that one group may set for itself, between the least and the most that the broker allows.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import { configValues, ConfigResourceType } from '../../metadata/settings-image.ts';

export type Limited = { readonly value: number; readonly least: number; readonly most: number };

/** `name` → the broker's value with its limits, which stand under `min.` and `max.` of that name. */
export function limitedBy(number: (name: string) => number): (name: string) => Limited {
  return (name) => ({ value: number(name), least: number(`min.${name}`), most: number(`max.${name}`) });
}

/** What a group set under `prefix` and a name, kept within the limits; else the broker's value. */
export function withinLimits(
  image: MetadataImage,
  groupId: string,
  prefix: string,
): (name: string, limited: Limited) => number {
  const own = configValues(image.configs, ConfigResourceType.GROUP, groupId);
  return (name, { value, least, most }) => {
    const wanted = own.get(`${prefix}.${name}`);
    return wanted === undefined ? value : Math.min(Math.max(Number(wanted), least), most);
  };
}
