// The operations that Kafka lists as allowed when there is no authorizer: all that the resource knows, as bits.

/** What stands in a response when nobody asked. */
export const operationsNotAsked = -2147483648;

const bits = (...operations: number[]): number => operations.reduce((sum, operation) => sum | (1 << operation), 0);

const Operation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

export const topicOperations = bits(
  Operation.READ,
  Operation.WRITE,
  Operation.CREATE,
  Operation.DELETE,
  Operation.ALTER,
  Operation.DESCRIBE,
  Operation.DESCRIBE_CONFIGS,
  Operation.ALTER_CONFIGS,
);

export const clusterOperations = bits(
  Operation.CREATE,
  Operation.ALTER,
  Operation.DESCRIBE,
  Operation.CLUSTER_ACTION,
  Operation.DESCRIBE_CONFIGS,
  Operation.ALTER_CONFIGS,
  Operation.IDEMPOTENT_WRITE,
);

export const groupOperations = bits(
  Operation.READ,
  Operation.DELETE,
  Operation.DESCRIBE,
  Operation.DESCRIBE_CONFIGS,
  Operation.ALTER_CONFIGS,
);
