// DescribeClientQuotas, versions 0 to 1 (KIP-546), from the metadata image.

import type { ClientQuotaImage } from '../../metadata/settings-image.ts';
import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { Handler } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../protocol/messages/describe-client-quotas.ts';
import type { Writable } from '../../protocol/schema.ts';

type Component = DescribeClientQuotasRequest['components'][number];

const matchType = { exact: 0, default: 1, specified: 2 } as const;
const entityTypes: readonly string[] = ['user', 'client-id', 'ip'];

export function createDescribeClientQuotasHandler({
  image,
}: {
  readonly image: () => MetadataImage;
}): Handler<DescribeClientQuotasRequest, Writable<DescribeClientQuotasResponse>> {
  return (_context, { components, strict }) => {
    const refusal = refusalOf(components);
    if (refusal !== null) return { ...refusal, entries: null };
    const found = [...image().clientQuotas.values()].filter((each) => matches(each, components, strict));
    const entries = found.map(({ entity, quotas }) => ({
      entity,
      values: [...quotas].map(([key, value]) => ({ key, value })),
    }));
    return { errorCode: ErrorCode.NONE, errorMessage: null, entries };
  };
}

function refusalOf(components: readonly Component[]): { errorCode: number; errorMessage: string } | null {
  const invalid = (errorMessage: string) => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });
  const types = new Set<string>();
  for (const { entityType, match, matchType: kind } of components) {
    if (entityType === '') return invalid('Unexpected empty filter component entity type');
    if (!entityTypes.includes(entityType)) {
      return {
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        errorMessage: `Custom entity type ${entityType} not supported`,
      };
    }
    if (types.has(entityType)) return invalid(`Duplicate ${entityType} filter component entity type`);
    if (kind === matchType.exact && match === null)
      return invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.');
    if (kind !== matchType.exact && match !== null)
      return invalid('Request set a match string without MATCH_TYPE_EXACT.');
    if (kind < matchType.exact || kind > matchType.specified) return invalid(`Unknown match type ${kind}`);
    types.add(entityType);
  }
  if (types.has('ip') && types.size > 1) {
    return invalid(
      'Invalid entity filter component combination, IP filter component should not be used with user or clientId filter component.',
    );
  }
  return null;
}

function matches({ entity }: ClientQuotaImage, components: readonly Component[], isStrict: boolean): boolean {
  if (isStrict && entity.length !== components.length) return false;
  return components.every(({ entityType, matchType: kind, match }) => {
    const part = entity.find((each) => each.entityType === entityType);
    if (part === undefined) return false;
    if (kind === matchType.specified) return true;
    return part.entityName === (kind === matchType.default ? null : match);
  });
}
