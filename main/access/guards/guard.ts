// What stands between a request and its handler when there is an authorizer: a guard passes the request on as it is,
// passes on the part that is allowed and adds the refusals to the answer, or answers by itself.

import type { Requester } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Api, Writable } from '../../protocol/schema.ts';
import type { Access } from '../access.ts';
import type { AclOperation } from '../acl.ts';

export type Asking = Requester & { readonly apiVersion: number };

export type Answer<Response> = Writable<Response> | null | Promise<Writable<Response> | null>;

export type Guard<Request, Response> = (
  access: Access,
  asking: Asking,
  request: Request,
  serve: (request: Request) => Answer<Response>,
) => Answer<Response>;

export type GuardEntry = { readonly api: Api; readonly guard: Guard<unknown, unknown> };

export function guard<Request, Response>(api: Api<Request, Response>, check: Guard<Request, Response>): GuardEntry {
  // The table holds guards of all types; each is only ever given what its own API decoded.
  return { api: api as Api, guard: check as unknown as Guard<unknown, unknown> };
}

export type Refusal = { readonly errorCode: number; readonly errorMessage: string };

export const refusals = {
  topic: { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, errorMessage: 'Topic authorization failed.' },
  group: { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, errorMessage: 'Group authorization failed.' },
  cluster: { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, errorMessage: 'Cluster authorization failed.' },
  transactionalId: {
    errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    errorMessage: 'Transactional Id authorization failed.',
  },
} as const;

/** Guards an API that needs one right on the cluster, and is refused as a whole. */
export function clusterGuard<Request, Response>(
  api: Api<Request, Response>,
  operation: AclOperation,
  refused: (request: Request, refusal: Refusal) => Writable<Response>,
): GuardEntry {
  return guard(api, (access, asking, request, serve) =>
    access.cluster(asking, operation) ? serve(request) : refused(request, refusals.cluster),
  );
}

/** Changes what the handler answers, once it does. */
export function afterwards<Response>(
  answer: Answer<Response>,
  change: (response: Writable<Response>) => Writable<Response>,
): Answer<Response> {
  if (answer instanceof Promise) return answer.then((response) => (response === null ? null : change(response)));
  return answer === null ? null : change(answer);
}

/** Two lists in the order of the one; when everything is allowed the first is that very list. */
export function split<T>(
  all: readonly T[],
  isAllowed: (each: T) => boolean,
): { readonly allowed: readonly T[]; readonly refused: readonly T[] } {
  const refused = all.filter((each) => !isAllowed(each));
  if (refused.length === 0) return { allowed: all, refused };
  const isRefused = new Set(refused);
  return { allowed: all.filter((each) => !isRefused.has(each)), refused };
}
