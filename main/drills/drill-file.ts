// The form of a drill file: YAML, checked against this schema, from which docs/drill.schema.json is generated. Says
// what is wrong with the line and the way out. What names mean (topics, roles) is checked in drill-plan.ts.

import * as v from 'valibot';
import { LineCounter, parseDocument, type Document } from 'yaml';

const name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,48}$/, 'a name has small letters, digits and "-", at most 49'),
);
/** `10s`, `250ms`, or milliseconds. */
const duration = v.union(
  [
    v.pipe(v.string(), v.regex(/^\d+(\.\d+)?(ms|s|m)$/, 'a duration is like 250ms, 10s or 2m')),
    v.pipe(v.number(), v.minValue(0)),
  ],
  'a duration is like 250ms, 10s or 2m',
);
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const role = v.pipe(
  v.string(),
  v.minLength(1),
  v.description(
    'Who: "leader of TOPIC-N", "follower of TOPIC-N", "other follower of TOPIC-N", "follower in ISR of TOPIC-N", ' +
      '"plain follower of TOPIC-N" (not the controller), "active controller", "other voter", "coordinator of GROUP", "broker N", or a name given with `as`',
  ),
);
const partition = v.pipe(v.string(), v.regex(/^.+-\d+$/, 'a partition is written TOPIC-N, like payments-0'));
const setting = v.union([v.string(), v.number(), v.boolean()]);

const keys = v.union([
  v.literal('none'),
  count,
  v.strictObject({
    count,
    hot: v.optional(
      v.array(v.strictObject({ key: v.string(), share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) })),
    ),
    /** Spreads each hot key over so many composite keys. */
    suffixes: v.optional(count),
  }),
]);

const topic = v.strictObject({
  partitions: v.optional(count, 1),
  replicationFactor: v.optional(count, 3),
  /** Who leads its partitions at first: `active controller`, `other voter`, `broker N`. */
  leadBy: v.optional(role),
  /** Who holds no replica of it. */
  without: v.optional(role),
  configs: v.optional(v.record(v.string(), setting), {}),
});

const producer = v.strictObject({
  topic: name,
  preset: v.optional(v.string(), 'durable'),
  settings: v.optional(v.record(v.string(), setting), {}),
  rate: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(20_000)), 200),
  keys: v.optional(keys, 100),
  valueBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_536)), 100),
  /** False: begins with a `startProducer` step. */
  atStart: v.optional(v.boolean(), true),
});

const group = v.strictObject({
  topic: name,
  members: v.optional(count, 1),
  /** `consumer` is KIP-848: the coordinator assigns, and its configs say when a session ends. */
  protocol: v.optional(v.picklist(['classic', 'consumer']), 'classic'),
  assignor: v.optional(v.picklist(['range', 'cooperative-sticky']), 'range'),
  sessionTimeout: v.optional(duration, '6s'),
  /** What one record costs a member: its ceiling is 1 s divided by this. */
  workPerRecord: v.optional(duration, 0),
});

/** Reads a topic and writes a copy of each record to another one. */
const copier = v.strictObject({
  from: name,
  to: name,
  mode: v.picklist(['at-most-once', 'at-least-once', 'exactly-once']),
  batch: v.optional(v.pipe(count, v.maxValue(500)), 50),
  /** False: begins with a `startCopier` step. */
  atStart: v.optional(v.boolean(), true),
});

const byPartition = v.strictObject({ of: v.string(), size: v.pipe(v.number(), v.integer(), v.minValue(0)) });
const more = v.strictObject({ by: name, more: count });

const wait = v.strictObject({
  acknowledged: v.optional(more),
  consumed: v.optional(more),
  copied: v.optional(more),
  copierFenced: v.optional(name),
  refused: v.optional(v.strictObject({ by: name, error: v.optional(v.string()), more: v.optional(count, 1) })),
  failed: v.optional(more),
  writesResume: v.optional(name),
  writesStall: v.optional(v.strictObject({ by: name, for: duration })),
  newLeader: v.optional(partition),
  leader: v.optional(v.strictObject({ of: partition, is: role })),
  offline: v.optional(partition),
  newController: v.optional(v.boolean()),
  inSync: v.optional(byPartition),
  fenced: v.optional(role),
  unfenced: v.optional(role),
  ended: v.optional(role),
  lag: v.optional(
    v.strictObject({
      of: name,
      atLeast: v.optional(v.number()),
      atMost: v.optional(v.number()),
    }),
  ),
  groupStable: v.optional(v.strictObject({ of: name, members: count })),
  /** A journal event since the last fault, with these fields. */
  event: v.optional(v.looseObject({ kind: v.string() })),
  within: v.optional(duration),
});

/** Each step has exactly one of these, and may have `as` and `note`. */
const actions = {
  wait,
  hold: duration,
  kill: role,
  stop: role,
  start: role,
  restart: role,
  pause: role,
  resume: role,
  rollingRestart: v.strictObject({ between: v.optional(wait) }),
  cut: v.strictObject({
    of: role,
    from: v.optional(v.union([role, v.array(role)])),
    direction: v.optional(v.picklist(['both', 'in', 'out']), 'both'),
  }),
  delay: v.strictObject({ of: role, by: duration, jitter: v.optional(duration, 0) }),
  slowDisk: v.strictObject({ of: role, by: duration }),
  fullDisk: role,
  powerLoss: role,
  skewClock: v.strictObject({ of: role, by: v.union([v.string(), v.number()]) }),
  heal: v.optional(v.nullable(role)),
  startProducer: name,
  stopProducer: name,
  rate: v.strictObject({ of: name, perSecond: v.pipe(v.number(), v.minValue(1), v.maxValue(20_000)) }),
  keys: v.strictObject({ of: name, keys }),
  addMember: name,
  stopMember: name,
  crashMember: name,
  startCopier: name,
  crashCopier: name,
  freezeCopier: name,
  thawCopier: name,
  config: v.strictObject({ topic: name, set: v.record(v.string(), setting) }),
  electPreferred: partition,
  electUnclean: partition,
} as const;

const optionalActions = Object.fromEntries(
  Object.entries(actions).map(([key, schema]) => [key, v.optional(schema as v.GenericSchema)]),
) as { [Key in keyof typeof actions]: v.OptionalSchema<(typeof actions)[Key], undefined> };

const step = v.strictObject({ ...optionalActions, as: v.optional(name), note: v.optional(v.string()) });

const bound = v.union([
  v.number(),
  v.strictObject({ atLeast: v.optional(v.number()), atMost: v.optional(v.number()) }),
]);

const question = v.strictObject({
  ask: v.string(),
  /** From bottom to top: each answer holds up to its bound, the last one beyond. */
  answers: v.pipe(
    v.array(v.strictObject({ say: v.string(), upTo: v.optional(v.number()) })),
    v.minLength(2),
    v.maxLength(5),
  ),
  measure: v.string(),
});

export const drillSchema = v.pipe(
  v.strictObject({
    name,
    title: v.string(),
    teaches: v.string(),
    story: v.string(),
    level: v.optional(v.picklist(['first', 'basic', 'advanced']), 'basic'),
    tags: v.optional(v.array(v.string()), []),
    cluster: v.optional(
      v.strictObject({
        brokers: v.optional(v.pipe(count, v.maxValue(9)), 3),
        profile: v.optional(v.picklist(['laptop', 'kafka']), 'laptop'),
        configs: v.optional(v.record(v.string(), setting), {}),
      }),
      {},
    ),
    topics: v.record(name, topic),
    producers: v.optional(v.record(name, producer), {}),
    groups: v.optional(v.record(name, group), {}),
    copiers: v.optional(v.record(name, copier), {}),
    predict: v.optional(v.array(question), []),
    steps: v.pipe(v.array(step), v.minLength(1), v.maxLength(200)),
    expect: v.optional(v.record(v.string(), bound), {}),
  }),
  v.title('Highwater drill'),
);

export type DrillFile = v.InferOutput<typeof drillSchema>;
export type KeysSetting = v.InferOutput<typeof keys>;
export type FileStep = DrillFile['steps'][number];
export type FileWait = v.InferOutput<typeof wait>;
export type Bound = v.InferOutput<typeof bound>;

export const actionNames = Object.keys(actions) as readonly (keyof typeof actions)[];

const problemsShownMax = 20;

/** The file can't be used: each problem names the line, what is wrong and the way out. */
export class DrillFileError extends Error {
  override readonly name = 'ClusterError';
  readonly code = 'BAD_DRILL';
  readonly advice = 'the form is described in docs/DRILLS.md; docs/drill.schema.json gives editors completion';
  readonly problems: readonly string[];
  constructor(where: string, problems: readonly string[]) {
    const more = problems.length - problemsShownMax;
    const shown = more <= 0 ? problems : [...problems.slice(0, problemsShownMax), `… and ${more} more`];
    super(`${where} is not a drill:\n${shown.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = shown;
  }
}

export type LocatedFile = {
  readonly file: DrillFile;
  /** `line N` of a path in the document. */
  at(path: readonly (string | number)[]): string;
};

/** Far beyond any drill; parsing takes time that grows with it. */
const drillCharactersMax = 65_536;
const aliasesMax = 100;

/** Parses and checks; `where` names the file in errors. Throws DrillFileError. */
export function parseDrillFile(text: string, where: string): LocatedFile {
  if (text.length > drillCharactersMax) {
    throw new DrillFileError(where, [`it has ${text.length} characters, ${drillCharactersMax} are allowed`]);
  }
  const lines = new LineCounter();
  const document = orRefuse(where, () =>
    parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, logLevel: 'error' }),
  );
  const syntax = document.errors.map((error) => {
    const { line } = lines.linePos(error.pos[0]);
    // The library's own report of nesting that it can't follow.
    const reason = error.message.includes('call stack') ? 'nested too deep' : error.message;
    return `line ${line}: ${reason}`;
  });
  if (syntax.length > 0) throw new DrillFileError(where, syntax);
  const at = (path: readonly (string | number)[]) => `line ${lineOf(document, lines, path)}`;
  const value = orRefuse(where, (): unknown => document.toJS({ maxAliasCount: aliasesMax }));
  const parsed = v.safeParse(drillSchema, value);
  if (parsed.success) return { file: parsed.output, at };
  throw new DrillFileError(
    where,
    parsed.issues.map((issue) => {
      const path = (issue.path ?? []).map((item) => item.key as string | number);
      return `${at(path)}: ${path.join('.') || 'the file'}: ${explain(issue)}`;
    }),
  );
}

/** The YAML library throws plain errors for an alias without an anchor, aliases without end and nesting too deep. */
function orRefuse<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deep' : String((error as Error).message);
    throw new DrillFileError(where, [reason]);
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return 1;
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const near = issue.path?.at(-1)?.key;
    return `there is no setting "${String(near)}" here`;
  }
  if (issue.received === 'undefined') return `is missing (${issue.expected ?? 'something'})`;
  const wanted = issue.message.startsWith('Invalid') ? `must be ${issue.expected ?? 'something else'}` : issue.message;
  return `${wanted}, not ${issue.received}`;
}
