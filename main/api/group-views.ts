// What the Groups screen shows beyond the pushed view, as data.

export type GroupMemberDetail = {
  readonly memberId: string;
  /** `group.instance.id` of a static member. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly topics: readonly string[];
  readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
};

/** From DescribeGroups; for groups of the newer protocols from ConsumerGroupDescribe, ShareGroupDescribe, StreamsGroupDescribe. */
export type GroupDetail = {
  readonly groupId: string;
  readonly type: 'classic' | 'consumer' | 'share' | 'streams';
  readonly state: string;
  readonly protocolType: string;
  /** The assignor; empty where the protocol names none. */
  readonly protocol: string;
  readonly coordinator: number;
  readonly members: readonly GroupMemberDetail[];
};

export type OffsetResetRow = {
  readonly topic: string;
  readonly partition: number;
  /** Null: nothing is committed. */
  readonly before: number | null;
  readonly after: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Records between before and after that nobody will read. */
  readonly skipped: number;
  /** Records between after and before that are read a second time. */
  readonly readAgain: number;
};

export type OffsetResetPlan = {
  readonly rows: readonly OffsetResetRow[];
  readonly skipped: number;
  readonly readAgain: number;
  /** Why Kafka would refuse it now; null when it would not. */
  readonly blocked: string | null;
};

export type OffsetResetResult = {
  readonly rows: readonly (OffsetResetRow & {
    /** Kafka's error name; null when committed. */
    readonly error: string | null;
  })[];
};
