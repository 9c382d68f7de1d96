// Access control of a node at its start: what must be right in the settings before anybody may connect.

import { createAccess, superUsersOf, UnknownAuthorizerError, type Access } from '../access/access.ts';
import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { anonymousPrincipal } from '../net/handler.ts';
import { StartupError } from './startup-error.ts';

/** Null: no authorizer. `whenReady` resolves when the metadata is read up to the present. */
export function openAccess(
  settings: BrokerSettings,
  image: () => MetadataImage,
  whenReady: Promise<void>,
): Access | null {
  let access: Access | null;
  try {
    access = createAccess({ settings, image, whenReady });
  } catch (error) {
    if (!(error instanceof UnknownAuthorizerError)) throw error;
    throw new StartupError(error.message, 'leave it out, or set it to the one that is known', error);
  }
  // Who may act for the cluster can't stand in the log that nodes have yet to read from each other.
  if (access !== null && !superUsersOf(settings).has(anonymousPrincipal)) {
    throw new StartupError(
      `super.users does not name ${anonymousPrincipal}, as whom the nodes of this cluster reach each other`,
      `add it: super.users=${anonymousPrincipal};User:admin`,
    );
  }
  return access;
}
