// Endpoints of the Workspaces screen. They speak to the app as a whole; all others to the cluster that a request names.

import * as v from 'valibot';
import { workspaceBrokersMax, type WorkspaceList } from '../workspace-views.ts';

const id = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'is no workspace id'));
const name = v.pipe(v.string(), v.trim(), v.minLength(1, 'a workspace needs a name'), v.maxLength(60));
const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const configs = v.record(v.string(), v.string());
const rack = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));

export const settingsSchema = v.object({
  kind: v.literal('local'),
  brokers: whole(1, workspaceBrokersMax),
  racks: v.pipe(v.array(v.nullable(rack)), v.maxLength(workspaceBrokersMax)),
  profile: v.picklist(['laptop', 'kafka']),
  port: v.nullable(whole(1, 65535)),
  configs,
});

/** Input schemas. */
export const workspaceInputs = {
  'workspaces.list': v.object({}),
  'workspaces.create': v.object({ name, settings: settingsSchema }),
  /** While it is stopped. The number of brokers of a cluster that has data stays. */
  'workspaces.update': v.object({ id, name, settings: settingsSchema }),
  'workspaces.start': v.object({ id }),
  'workspaces.stop': v.object({ id }),
  'workspaces.duplicate': v.object({ id, name, withData: v.boolean() }),
  /** Its data goes, its settings stay. */
  'workspaces.reset': v.object({ id }),
  'workspaces.delete': v.object({ id }),
  'workspaces.export': v.object({ id }),
  'workspaces.import': v.object({ text: v.pipe(v.string(), v.maxLength(256 * 1024)), name: v.nullable(name) }),
  /** Bytes of its data on the disk, which a reset or a delete would free. */
  'workspaces.dataSize': v.object({ id }),
  /** What Kafka would say to these broker configs. */
  'workspaces.checkConfigs': v.object({ configs }),
} as const;

/** What each request answers. */
export type WorkspaceOutputs = {
  'workspaces.list': WorkspaceList;
  'workspaces.create': { readonly id: string };
  'workspaces.update': null;
  'workspaces.start': null;
  'workspaces.stop': null;
  'workspaces.duplicate': { readonly id: string };
  'workspaces.reset': { readonly freedBytes: number };
  'workspaces.delete': null;
  'workspaces.export': { readonly fileName: string; readonly text: string };
  'workspaces.import': { readonly id: string };
  'workspaces.dataSize': { readonly bytes: number };
  'workspaces.checkConfigs': {
    readonly problems: readonly {
      readonly name: string;
      readonly message: string;
      readonly severity: 'error' | 'warning';
    }[];
  };
};
