// From a checked file to a plan: durations in milliseconds, one action a step, names that exist. Every problem is
// told with its line. Pure.

import { parseRole, type Role } from './roles.ts';
import type {
  Action,
  CopierPlan,
  DrillPlan,
  GroupPlan,
  PartitionName,
  ProducerPlan,
  Step,
  TimedWait,
  TopicPlan,
  Wait,
} from './drill-plan.ts';
import {
  actionNames,
  DrillFileError,
  parseDrillFile,
  type DrillFile,
  type FileStep,
  type FileWait,
  type LocatedFile,
} from './drill-file.ts';
import { isMeasure, measureNames } from './measures.ts';
import { presetNamed, presets, propertyNames, type ProducerSettings, type SettingName } from '../workloads/presets.ts';
import { stepText, withinMsDefault } from './step-text.ts';

/**
 * Client time-outs of the laptop profile: a frozen leader is given up after 1.5 s, not 30 s, and a record that can't be
 * delivered fails within a drill's patience. The kafka profile keeps Kafka's.
 */
const laptopTimeouts = { requestTimeoutMs: 1500, deliveryTimeoutMs: 30_000 };

/** Throws DrillFileError with every problem. */
export function planDrill(text: string, where: string): DrillPlan {
  const located = parseDrillFile(text, where);
  return new Planner(located, where, text).plan();
}

class Planner {
  readonly #file: DrillFile;
  readonly #located: LocatedFile;
  readonly #where: string;
  readonly #source: string;
  readonly #problems: string[] = [];
  readonly #remembered = new Set<string>();

  constructor(located: LocatedFile, where: string, source: string) {
    this.#file = located.file;
    this.#located = located;
    this.#where = where;
    this.#source = source;
  }

  plan(): DrillPlan {
    const { cluster, predict, name, title, teaches, story, level, tags } = this.#file;
    const topics = this.#topics();
    const producers = this.#producers();
    const groups = this.#groups();
    const copiers = this.#copiers();
    const steps = this.#file.steps.map((step, index) => this.#step(step, index));
    const expectations = Object.entries(this.#file.expect).map(([measure, bound]) => {
      this.#requireMeasure(measure, ['expect', measure]);
      return { measure, bound };
    });
    predict.forEach((question, index) => this.#requireMeasure(question.measure, ['predict', index, 'measure']));
    if (this.#problems.length > 0) throw new DrillFileError(this.#where, this.#problems);
    return {
      name,
      title,
      teaches,
      story: story.trim(),
      level,
      tags,
      brokers: cluster.brokers ?? 3,
      profile: cluster.profile ?? 'laptop',
      configs: texts(cluster.configs ?? {}),
      topics,
      producers,
      groups,
      copiers,
      questions: predict,
      steps: steps.flatMap((step) => (step === null ? [] : [step])),
      expectations,
      source: this.#source,
    };
  }

  #problem(path: readonly (string | number)[], message: string): void {
    this.#problems.push(`${this.#located.at(path)}: ${path.join('.')}: ${message}`);
  }

  #topics(): TopicPlan[] {
    const brokers = this.#file.cluster.brokers ?? 3;
    return Object.entries(this.#file.topics).map(([name, topic]) => {
      const { partitions, replicationFactor, configs } = topic;
      const path = ['topics', name];
      const room = topic.without === undefined ? brokers : brokers - 1;
      if (replicationFactor > room) {
        this.#problem(
          [...path, 'replicationFactor'],
          `${replicationFactor} replicas need as many brokers; this drill's cluster has ${room} for it`,
        );
      }
      const leadBy = topic.leadBy === undefined ? null : this.#role(topic.leadBy, [...path, 'leadBy']);
      const without = topic.without === undefined ? null : this.#role(topic.without, [...path, 'without']);
      return { name, partitions, replicationFactor, leadBy, without, configs: texts(configs) };
    });
  }

  #producers(): ProducerPlan[] {
    return Object.entries(this.#file.producers).map(([name, producer]) => {
      this.#requireTopic(producer.topic, ['producers', name, 'topic']);
      const preset = presetNamed(producer.preset);
      if (preset === null) {
        const known = presets.map((each) => each.name).join(', ');
        this.#problem(['producers', name, 'preset'], `there is no preset "${producer.preset}"; there are ${known}`);
      }
      const base = (preset ?? presets[0])?.settings;
      const settings = { ...base, ...(this.#file.cluster.profile === 'kafka' ? {} : laptopTimeouts) } as Record<
        string,
        unknown
      >;
      for (const [key, value] of Object.entries(producer.settings)) {
        const known = Object.entries(propertyNames).find(([camel, kafka]) => key === camel || key === kafka)?.[0];
        if (known === undefined) {
          this.#problem(
            ['producers', name, 'settings', key],
            `"${key}" is not one of ${Object.values(propertyNames).join(', ')}`,
          );
          continue;
        }
        settings[known satisfies string as SettingName] = known === 'acks' && value === -1 ? 'all' : value;
      }
      if (settings['enableIdempotence'] === true && settings['acks'] !== 'all') {
        this.#problem(['producers', name], 'an idempotent producer needs acks: all; set enable.idempotence: false');
      }
      return { ...producer, name, settings: settings as unknown as ProducerSettings };
    });
  }

  #groups(): GroupPlan[] {
    return Object.entries(this.#file.groups).map(([name, group]) => {
      this.#requireTopic(group.topic, ['groups', name, 'topic']);
      return {
        name,
        topic: group.topic,
        members: group.members,
        protocol: group.protocol,
        assignor: group.assignor,
        sessionTimeoutMs: durationMs(group.sessionTimeout),
        workPerRecordMs: durationMs(group.workPerRecord),
      };
    });
  }

  #copiers(): CopierPlan[] {
    return Object.entries(this.#file.copiers).map(([name, copier]) => {
      this.#requireTopic(copier.from, ['copiers', name, 'from']);
      this.#requireTopic(copier.to, ['copiers', name, 'to']);
      if (copier.from === copier.to) this.#problem(['copiers', name, 'to'], 'a topic can’t be copied into itself');
      return { ...copier, name };
    });
  }

  #step(step: FileStep, index: number): Step | null {
    const path = ['steps', index];
    const given = actionNames.filter((name) => name in step);
    const [first] = given;
    if (first === undefined || given.length > 1) {
      this.#problem(
        path,
        given.length > 1
          ? `a step does one thing, this one has ${given.join(' and ')}: write two steps`
          : `a step needs one of ${actionNames.join(', ')}`,
      );
      return null;
    }
    const action = this.#action(step, [...path, first]);
    if (action === null) return null;
    if (step.as !== undefined) this.#remembered.add(step.as);
    return { action, as: step.as ?? null, text: step.note ?? stepText(action) };
  }

  #action(step: FileStep, path: readonly (string | number)[]): Action | null {
    for (const verb of brokerVerbs) {
      const who = step[verb];
      if (who === undefined) continue;
      const role = this.#role(who, path);
      return role === null ? null : { kind: 'broker', verb, who: role };
    }
    return this.#wideAction(step, path) ?? this.#loadAction(step, path);
  }

  #wideAction(step: FileStep, path: readonly (string | number)[]): Action | null {
    if (step.wait !== undefined) {
      const timed = this.#wait(step.wait, path);
      return timed === null ? null : { kind: 'wait', ...timed };
    }
    if (step.hold !== undefined) return { kind: 'hold', forMs: durationMs(step.hold) };
    if (step.rollingRestart !== undefined) {
      const { between } = step.rollingRestart;
      return {
        kind: 'rollingRestart',
        between: between === undefined ? null : this.#wait(between, [...path, 'between']),
      };
    }
    if (step.cut !== undefined) {
      const of = this.#role(step.cut.of, [...path, 'of']);
      const names = step.cut.from === undefined ? [] : [step.cut.from].flat();
      const from = names.map((each) =>
        each === 'clients' || each === 'brokers' ? each : this.#role(each, [...path, 'from']),
      );
      if (of === null || from.some((each) => each === null)) return null;
      return { kind: 'cut', of, from: from.filter((each) => each !== null), direction: step.cut.direction };
    }
    if (step.delay !== undefined) {
      const of = this.#role(step.delay.of, [...path, 'of']);
      const { by, jitter } = step.delay;
      return of === null ? null : { kind: 'delay', of, byMs: durationMs(by), jitterMs: durationMs(jitter) };
    }
    if (step.slowDisk !== undefined) {
      const of = this.#role(step.slowDisk.of, [...path, 'of']);
      return of === null ? null : { kind: 'slowDisk', of, byMs: durationMs(step.slowDisk.by) };
    }
    if (step.skewClock !== undefined) {
      const of = this.#role(step.skewClock.of, [...path, 'of']);
      return of === null ? null : { kind: 'skewClock', of, byMs: signedDurationMs(step.skewClock.by) };
    }
    if ('heal' in step) {
      if (step.heal === null || step.heal === undefined) return { kind: 'heal', who: null };
      const who = this.#role(step.heal, path);
      return who === null ? null : { kind: 'heal', who };
    }
    return null;
  }

  #loadAction(step: FileStep, path: readonly (string | number)[]): Action | null {
    for (const kind of ['startProducer', 'stopProducer'] as const) {
      const producer = step[kind];
      if (producer !== undefined) return { kind, producer: this.#requireProducer(producer, path) };
    }
    for (const kind of ['addMember', 'stopMember', 'crashMember'] as const) {
      const group = step[kind];
      if (group !== undefined) return { kind, group: this.#requireGroup(group, path) };
    }
    for (const kind of ['startCopier', 'crashCopier', 'freezeCopier', 'thawCopier'] as const) {
      const copier = step[kind];
      if (copier !== undefined) return { kind, copier: this.#requireCopier(copier, path) };
    }
    if (step.rate !== undefined) {
      return { kind: 'rate', producer: this.#requireProducer(step.rate.of, path), perSecond: step.rate.perSecond };
    }
    if (step.keys !== undefined) {
      return { kind: 'keys', producer: this.#requireProducer(step.keys.of, path), keys: step.keys.keys };
    }
    if (step.config !== undefined) {
      this.#requireTopic(step.config.topic, [...path, 'topic']);
      return { kind: 'config', topic: step.config.topic, set: texts(step.config.set) };
    }
    for (const [name, isUnclean] of [
      ['electPreferred', false],
      ['electUnclean', true],
    ] as const) {
      const partition = step[name];
      if (partition !== undefined) return { kind: 'elect', of: this.#partition(partition, path), isUnclean };
    }
    return null;
  }

  #wait(wait: FileWait, path: readonly (string | number)[]): TimedWait | null {
    const given = Object.keys(wait).filter((key) => key !== 'within');
    if (given.length !== 1) {
      this.#problem(
        path,
        `a wait has one condition, this one has ${given.length === 0 ? 'none' : given.join(' and ')}`,
      );
      return null;
    }
    const withinMs = wait.within === undefined ? withinMsDefault : durationMs(wait.within);
    const condition = this.#countWait(wait, path) ?? this.#stateWait(wait, path);
    return condition === null ? null : { wait: condition, withinMs };
  }

  #countWait(wait: FileWait, path: readonly (string | number)[]): Wait | null {
    for (const kind of ['acknowledged', 'failed'] as const) {
      const value = wait[kind];
      if (value !== undefined) return { kind, by: this.#requireProducer(value.by, path), more: value.more };
    }
    if (wait.consumed !== undefined) {
      return { kind: 'consumed', by: this.#requireGroup(wait.consumed.by, path), more: wait.consumed.more };
    }
    if (wait.copied !== undefined) {
      return { kind: 'copied', by: this.#requireCopier(wait.copied.by, path), more: wait.copied.more };
    }
    if (wait.copierFenced !== undefined) {
      return { kind: 'copierFenced', by: this.#requireCopier(wait.copierFenced, path) };
    }
    if (wait.refused !== undefined) {
      const { by, error, more } = wait.refused;
      return { kind: 'refused', by: this.#requireProducer(by, path), error: error ?? null, more };
    }
    if (wait.writesResume !== undefined) {
      return { kind: 'writesResume', by: this.#requireProducer(wait.writesResume, path) };
    }
    if (wait.writesStall !== undefined) {
      const { by, for: forTime } = wait.writesStall;
      return { kind: 'writesStall', by: this.#requireProducer(by, path), forMs: durationMs(forTime) };
    }
    if (wait.lag !== undefined) {
      const { of, atLeast = null, atMost = null } = wait.lag;
      if (atLeast === null && atMost === null) this.#problem(path, 'lag needs atLeast or atMost');
      return { kind: 'lag', of: this.#requireGroup(of, path), atLeast, atMost };
    }
    if (wait.groupStable !== undefined) {
      const { of, members } = wait.groupStable;
      return { kind: 'groupStable', of: this.#requireGroup(of, path), members };
    }
    return null;
  }

  #stateWait(wait: FileWait, path: readonly (string | number)[]): Wait | null {
    for (const kind of ['newLeader', 'offline'] as const) {
      const value = wait[kind];
      if (value !== undefined) return { kind, of: this.#partition(value, path) };
    }
    if (wait.leader !== undefined) {
      const is = this.#role(wait.leader.is, path);
      return is === null ? null : { kind: 'leader', of: this.#partition(wait.leader.of, path), is };
    }
    if (wait.newController !== undefined) return { kind: 'newController' };
    if (wait.inSync !== undefined) {
      const { of, size } = wait.inSync;
      if (of in this.#file.topics) return { kind: 'inSync', topic: of, partition: null, size };
      const { topic, partition } = this.#partition(of, path);
      return { kind: 'inSync', topic, partition, size };
    }
    for (const kind of ['fenced', 'unfenced', 'ended'] as const) {
      const value = wait[kind];
      if (value === undefined) continue;
      const who = this.#role(value, path);
      return who === null ? null : { kind, who };
    }
    return wait.event === undefined ? null : { kind: 'event', fields: wait.event };
  }

  #role(text: string, path: readonly (string | number)[]): Role | null {
    const role = parseRole(text);
    if (typeof role === 'string') {
      this.#problem(path, role);
      return null;
    }
    if (role.kind === 'named' && !this.#remembered.has(role.name)) {
      const known = [...this.#remembered];
      const hint = known.length === 0 ? 'no step before it has `as`' : `there are ${known.join(', ')}`;
      this.#problem(path, `"${text}" is no role and no name given with \`as\` before (${hint})`);
      return null;
    }
    if ('topic' in role) this.#requireTopic(role.topic, path);
    if (role.kind === 'coordinator') this.#requireGroup(role.group, path);
    return role;
  }

  #partition(text: string, path: readonly (string | number)[]): PartitionName {
    const dash = text.lastIndexOf('-');
    const name = { topic: text.slice(0, dash), partition: Number(text.slice(dash + 1)) };
    this.#requireTopic(name.topic, path);
    const count = this.#file.topics[name.topic]?.partitions;
    if (count !== undefined && name.partition >= count) {
      this.#problem(path, `${name.topic} has ${count} partition${count === 1 ? '' : 's'}, numbered from 0`);
    }
    return name;
  }

  #requireTopic(name: string, path: readonly (string | number)[]): void {
    if (!(name in this.#file.topics)) this.#missing('topic', name, Object.keys(this.#file.topics), path);
  }

  #requireProducer(name: string, path: readonly (string | number)[]): string {
    const known = Object.keys(this.#file.producers);
    if (!known.includes(name)) this.#missing('producer', name, known, path);
    return name;
  }

  #requireGroup(name: string, path: readonly (string | number)[]): string {
    const known = Object.keys(this.#file.groups);
    if (!known.includes(name)) this.#missing('group', name, known, path);
    return name;
  }

  #requireCopier(name: string, path: readonly (string | number)[]): string {
    const known = Object.keys(this.#file.copiers);
    if (!known.includes(name)) this.#missing('copier', name, known, path);
    return name;
  }

  #missing(what: string, name: string, known: readonly string[], path: readonly (string | number)[]): void {
    const hint = known.length === 0 ? `this drill has no ${what}s` : `there are ${known.join(', ')}`;
    this.#problem(path, `there is no ${what} "${name}" (${hint})`);
  }

  #requireMeasure(measure: string, path: readonly (string | number)[]): void {
    const { producers, groups, copiers } = this.#file;
    const clients = [producers, groups, copiers].flatMap((each) => Object.keys(each));
    if (isMeasure(measure, clients)) return;
    this.#problem(
      path,
      `there is no measure "${measure}"; there are ${measureNames.join(', ')}, or one of a client, like lost.${clients[0] ?? 'NAME'}`,
    );
  }
}

const brokerVerbs = ['kill', 'stop', 'start', 'restart', 'pause', 'resume', 'powerLoss', 'fullDisk'] as const;

/** Milliseconds of `10s`, `250ms`, `2m` or a number. */
function durationMs(value: string | number): number {
  if (typeof value === 'number') return value;
  const match = /^([\d.]+)(ms|s|m)$/.exec(value);
  const factor = match?.[2] === 'ms' ? 1 : match?.[2] === 's' ? 1000 : 60_000;
  return Number(match?.[1] ?? 0) * factor;
}

function signedDurationMs(value: string | number): number {
  if (typeof value === 'number') return value;
  return value.startsWith('-') ? -durationMs(value.slice(1)) : durationMs(value.replace(/^\+/, ''));
}

function texts(values: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}
