// The door to access control for whoever serves requests: whether there is an authorizer at all, whether it knows the
// entries yet, and what it allows. A broker has one.

import type { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import type { Requester } from '../net/handler.ts';
import { clusterName, operationBits, operationsOf, ResourceType, type AclOperation } from './acl.ts';
import { Authorizer } from './authorizer.ts';

export const standardAuthorizer = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';

export type AccessOptions = {
  readonly settings: BrokerSettings;
  readonly image: () => MetadataImage;
  readonly whenReady: Promise<void>;
};

export class Access {
  /** Resolves when the entries are known up to now; before, only super users can be told apart. */
  readonly whenReady: Promise<void>;
  readonly #options: AccessOptions;
  readonly #authorizer: Authorizer;
  #isReady = false;

  constructor(options: AccessOptions) {
    const { settings, image, whenReady } = options;
    this.#options = options;
    this.#authorizer = new Authorizer({
      superUsers: superUsersOf(settings),
      allowsWithoutAcl: settings.boolean('allow.everyone.if.no.acl.found'),
      acls: () => image().acls,
    });
    this.whenReady = whenReady.then(() => {
      this.#isReady = true;
    });
  }

  /** Whether a request of this principal can be decided now. */
  canDecide({ principal }: Requester): boolean {
    return this.#isReady || this.#authorizer.isSuperUser(principal);
  }

  mayAnything({ principal }: Requester): boolean {
    return this.#authorizer.isSuperUser(principal);
  }

  topic(requester: Requester, operation: AclOperation, name: string): boolean {
    return this.#authorizer.allows(requester, operation, ResourceType.TOPIC, name);
  }

  group(requester: Requester, operation: AclOperation, groupId: string): boolean {
    return this.#authorizer.allows(requester, operation, ResourceType.GROUP, groupId);
  }

  cluster(requester: Requester, operation: AclOperation): boolean {
    return this.#authorizer.allows(requester, operation, ResourceType.CLUSTER, clusterName);
  }

  transactionalId(requester: Requester, operation: AclOperation, transactionalId: string): boolean {
    return this.#authorizer.allows(requester, operation, ResourceType.TRANSACTIONAL_ID, transactionalId);
  }

  /** `user`: whose tokens, as `User:name`. */
  user(requester: Requester, operation: AclOperation, user: string): boolean {
    return this.#authorizer.allows(requester, operation, ResourceType.USER, user);
  }

  anyTopic(requester: Requester, operation: AclOperation): boolean {
    return this.#authorizer.allowsWithAny(requester, operation, ResourceType.TOPIC);
  }

  /** What clients ask for as "authorized operations": a bit for each operation, at its number. */
  operations(requester: Requester, resourceType: ResourceType, name: string): number {
    const known = operationsOf[resourceType] ?? [];
    return operationBits(
      known.filter((operation) => this.#authorizer.allows(requester, operation, resourceType, name)),
    );
  }

  // ── what of the metadata and the settings access depends on ──

  /** Null: no topic has the id. */
  topicName(topicId: string): string | null {
    return this.#options.image().topics.byId.get(topicId)?.name ?? null;
  }

  topicNames(): string[] {
    return [...this.#options.image().topics.byName.keys()];
  }

  hasTopic(name: string): boolean {
    return this.#options.image().topics.byName.has(name);
  }

  /** `auto.create.topics.enable`. */
  get createsTopics(): boolean {
    return this.#options.settings.boolean('auto.create.topics.enable', this.#options.image());
  }
}

/** Null: no authorizer, everything is allowed. Throws UnknownAuthorizerError. */
export function createAccess(options: AccessOptions): Access | null {
  const className = options.settings.text('authorizer.class.name') ?? '';
  if (className === '') return null;
  if (className !== standardAuthorizer) throw new UnknownAuthorizerError(className);
  return new Access(options);
}

/** `super.users`: principals with semicolons between them, because names may hold commas. */
export function superUsersOf(settings: BrokerSettings): ReadonlySet<string> {
  const named = (settings.text('super.users') ?? '').split(';').map((each) => each.trim());
  return new Set(named.filter((each) => each !== ''));
}

export class UnknownAuthorizerError extends Error {
  override readonly name = 'UnknownAuthorizerError';
  constructor(className: string) {
    super(`authorizer.class.name is ${className}; only ${standardAuthorizer} is known`);
  }
}
