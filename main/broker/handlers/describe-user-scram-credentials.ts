// DescribeUserScramCredentials 0 (KIP-554), from the metadata image: which mechanisms a user has, never the keys.

import type { MetadataImage } from '../../metadata/metadata-image.ts';
import type { RequestContext } from '../../net/handler.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '../../protocol/messages/describe-user-scram-credentials.ts';
import type { Writable } from '../../protocol/schema.ts';

type Result = Writable<DescribeUserScramCredentialsResponse['results'][number]>;

export function createDescribeUserScramCredentialsHandler({ image }: { readonly image: () => MetadataImage }) {
  return (
    _context: RequestContext,
    { users }: DescribeUserScramCredentialsRequest,
  ): Writable<DescribeUserScramCredentialsResponse> => {
    const credentials = [...image().scram.values()];
    // None named means all.
    const asked = users === null || users.length === 0 ? [...new Set(credentials.map(({ name }) => name))] : null;
    const names = asked ?? (users ?? []).map(({ name }) => name);
    const results = [...new Set(names)].map((user): Result => {
      if (names.filter((each) => each === user).length > 1) {
        const words = 'Cannot describe SCRAM credentials for the same user twice in a single request: ';
        return { user, errorCode: ErrorCode.DUPLICATE_RESOURCE, errorMessage: words + user };
      }
      const credentialInfos = credentials
        .filter(({ name }) => name === user)
        .map(({ mechanism, iterations }) => ({ mechanism, iterations }));
      if (credentialInfos.length > 0) return { user, credentialInfos };
      const words = 'Attempt to describe a user credential that does not exist: ';
      return { user, errorCode: ErrorCode.RESOURCE_NOT_FOUND, errorMessage: words + user };
    });
    return { results };
  };
}
