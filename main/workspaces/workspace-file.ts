// A workspace as a file that people read, keep in version control and pass on: its name and settings, never its data or
// secrets. The same form stands in a workspace's directory and in an export. Pure.

import * as v from 'valibot';
import { settingsSchema } from '../api/endpoints/workspaces.ts';
import type { WorkspaceSettings } from '../api/workspace-views.ts';
import { ClusterError } from '../cluster/cluster-error.ts';

const format = 'highwater-workspace';
const version = 1;

export type WorkspaceFile = { readonly name: string; readonly settings: WorkspaceSettings };

const head = v.object({ format: v.literal(format), version: v.number() });
const body = v.object({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60)),
  settings: settingsSchema,
});

export function writeWorkspaceFile({ name, settings }: WorkspaceFile): string {
  return `${JSON.stringify({ format, version, name, settings }, null, 2)}\n`;
}

/** Throws ClusterError naming `where` and what is wrong there. */
export function readWorkspaceFile(text: string, where: string): WorkspaceFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ClusterError('WORKSPACE_DAMAGED', `${where} is not JSON`, 'export the workspace again', error);
  }
  const stated = v.safeParse(head, value);
  if (!stated.success) {
    const advice = `it must begin with "format": "${format}" and "version": ${version}`;
    throw new ClusterError('WORKSPACE_DAMAGED', `${where} is no workspace file`, advice);
  }
  if (stated.output.version !== version) {
    throw new ClusterError(
      'WORKSPACE_TOO_NEW',
      `${where} has version ${stated.output.version}, this highwater knows ${version}`,
      'use the highwater that wrote it',
    );
  }
  const read = v.safeParse(body, value);
  if (read.success) return read.output;
  const [issue] = read.issues;
  const message = `${where}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`;
  throw new ClusterError('WORKSPACE_DAMAGED', message, 'mend the value and try again');
}

/** A directory name made from what a person called it; unlike all of `taken`. */
export function workspaceId(name: string, taken: ReadonlySet<string>): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  const base = slug.slice(0, 40) || 'workspace';
  let id = base;
  for (let number = 2; taken.has(id); number += 1) id = `${base}-${number}`;
  return id;
}
