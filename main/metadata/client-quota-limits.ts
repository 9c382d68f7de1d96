// Which quota holds for a client (KIP-55): from the closest entity to the widest. Pure.

import { quotaKey, type ClientQuotasImage, type QuotaEntity } from './settings-image.ts';

export type QuotaClient = { readonly principal: string; readonly clientId: string | null };

/** A limit, and whose use counts against it together. */
export type QuotaLimit = { readonly bound: number; readonly sharedBy: string };

const principalPrefix = 'User:';

/** `key`: e.g. `producer_byte_rate`. Null: no limit. */
export function closestQuota(image: ClientQuotasImage, key: string, client: QuotaClient): QuotaLimit | null {
  if (image.size === 0) return null;
  const { principal } = client;
  const user = principal.startsWith(principalPrefix) ? principal.slice(principalPrefix.length) : principal;
  const clientId = client.clientId ?? '';
  // Null stands for the default entity; a missing part for any.
  const both = (userName: string | null, clientName: string | null): QuotaEntity => [
    { entityType: 'user', entityName: userName },
    { entityType: 'client-id', entityName: clientName },
  ];
  const one = (entityType: string, entityName: string | null): QuotaEntity => [{ entityType, entityName }];
  const order: readonly (readonly [entity: QuotaEntity, sharedBy: readonly string[]])[] = [
    [both(user, clientId), [user, clientId]],
    [both(user, null), [user, clientId]],
    [one('user', user), [user, '']],
    [both(null, clientId), [user, clientId]],
    [both(null, null), [user, clientId]],
    [one('user', null), [user, '']],
    [one('client-id', clientId), ['', clientId]],
    [one('client-id', null), ['', clientId]],
  ];
  for (const [entity, sharedBy] of order) {
    const bound = image.get(quotaKey(entity))?.quotas.get(key);
    if (bound !== undefined) return { bound, sharedBy: JSON.stringify(sharedBy) };
  }
  return null;
}
