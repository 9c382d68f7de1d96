// Changes of settings: topics, brokers, groups and client metrics subscriptions. Pure; each resource succeeds or
// fails as a whole, with Kafka's messages.

import { compileTopicRegex } from '../core/topic-regex.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/messages/alter-configs.ts';
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/messages/incremental-alter-configs.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import { configError, listValues, type ConfigDefinition } from '../metadata/configs/config-definition.ts';
import {
  brokerConfigs,
  clientMetricsConfigs,
  configTable,
  effectiveTopicConfig,
  inheritedValue,
  topicConfigs,
} from '../metadata/configs/config-schema.ts';
import { configKey, ConfigResourceType, configValues, type ConfigResource } from '../metadata/settings-image.ts';
import { isElrEnabled } from './cluster-facts.ts';
import {
  ApiError,
  attempt,
  refuseTooManyRecords,
  type ControllerView,
  type Decision,
  type PartError,
} from './decision.ts';
import { topicNameError } from './topic-names.ts';

const minInSync = 'min.insync.replicas';
const Operation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

function invalidConfig(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_CONFIG, message);
}

function invalidRequest(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message);
}

function configRecord(resource: ConfigResource, name: string, value: string | null): MetadataRecord {
  return {
    name: 'ConfigRecord',
    version: 0,
    value: { resourceType: resource.type, resourceName: resource.name, name, value },
  };
}

/** The changes of one resource: setting → new value, or null to remove it. */
type Changes = ReadonlyMap<string, string | null>;

/** The records of settings for something that is being made in the same request. */
export function newResourceConfigs(
  view: ControllerView,
  resource: ConfigResource,
  configs: ReadonlyMap<string, string>,
): MetadataRecord[] {
  return changeRecords(view, resource, configs, true);
}

function changeRecords(
  view: ControllerView,
  resource: ConfigResource,
  changes: Changes,
  isNew: boolean,
): MetadataRecord[] {
  const before = configValues(view.image.configs, resource.type, resource.name);
  const after = new Map(before);
  for (const [name, value] of changes) {
    if (value === null) after.delete(name);
    else after.set(name, value);
  }
  validate(view, resource, after, changes);
  if (!isNew) checkExistence(view, resource);
  const records: MetadataRecord[] = [];
  let changesMinInSync = false;
  for (const [name, value] of changes) {
    // Broker settings are written even when they stay: files that they name may have changed.
    if ((before.get(name) ?? null) === value && resource.type !== ConfigResourceType.BROKER) continue;
    records.push(configRecord(resource, name, value));
    if (name === minInSync) changesMinInSync = true;
  }
  // Another min.insync.replicas changes what "eligible" meant: whoever was noted under the old one is forgotten.
  const clearsElr =
    changesMinInSync && isElrEnabled(view) && (resource.type === ConfigResourceType.TOPIC || resource.name === '');
  if (clearsElr) records.push({ name: 'ClearElrRecord', version: 0, value: { topicName: resource.name } });
  return records;
}

function validate(
  view: ControllerView,
  resource: ConfigResource,
  after: ReadonlyMap<string, string>,
  changes: Changes,
): void {
  switch (resource.type) {
    case ConfigResourceType.TOPIC:
      validateTopic(view, resource.name, after);
      return;
    case ConfigResourceType.BROKER:
      validateBroker(view, resource, changes);
      return;
    case ConfigResourceType.GROUP:
      if (resource.name === '') throw invalidRequest('Default group resources are not allowed.');
      validateTable(resource.type, after, (name) => `Unknown group config name: ${name}`);
      validateGroup(view, after);
      return;
    case ConfigResourceType.CLIENT_METRICS:
      if (resource.name === '') throw invalidRequest("Subscription name can't be empty");
      validateClientMetrics(after);
      return;
    default:
      throw invalidRequest(`Unknown resource type ${resource.type}`);
  }
}

function validateTable(type: number, values: ReadonlyMap<string, string>, unknown: (name: string) => string): void {
  const table = configTable(type);
  for (const name of values.keys()) {
    if (table?.has(name) !== true) throw invalidConfig(unknown(name));
  }
  for (const [name, value] of values) {
    const definition = table?.get(name);
    const error = definition === undefined ? null : configError(definition, value);
    if (error !== null) throw invalidConfig(error);
  }
}

function validateTopic(view: ControllerView, topic: string, values: ReadonlyMap<string, string>): void {
  if (topic === '') throw invalidRequest('Default topic resources are not allowed.');
  const nameError = topicNameError(topic);
  if (nameError !== null) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, nameError);
  validateTable(ConfigResourceType.TOPIC, values, (name) => `Unknown topic config name: ${name}`);
  const effective = effectiveTopicConfig(values, view.settings.layers(view.image));
  const [least, most] = ['min.compaction.lag.ms', 'max.compaction.lag.ms'].map((name) => effective.get(name) ?? '0');
  if (least !== undefined && most !== undefined && Number(least) > Number(most)) {
    throw invalidConfig(
      `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`,
    );
  }
  if (
    values.get('remote.storage.enable')?.toLowerCase() === 'true' &&
    !view.settings.boolean('remote.log.storage.system.enable')
  ) {
    throw invalidConfig(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
}

/** Settings that the broker keeps within bounds: `group.consumer.min.session.timeout.ms` and the like. */
function validateGroup(view: ControllerView, values: ReadonlyMap<string, string>): void {
  for (const [name, value] of values) {
    const [, family, rest] = /^(consumer|share|streams)\.(.+)$/.exec(name) ?? [];
    if (family === undefined || rest === undefined) continue;
    const [least, most] = [`group.${family}.min.${rest}`, `group.${family}.max.${rest}`];
    const brokerValue = (bound: string): number | null => {
      const text = brokerConfigs.has(bound) ? view.settings.text(bound, view.image) : null;
      return text === null ? null : Number(text);
    };
    const [atLeast, atMost] = [brokerValue(least), brokerValue(most)];
    if (atLeast !== null && Number(value) < atLeast) {
      throw invalidConfig(`${name} must be greater than or equal to ${least}`);
    }
    if (atMost !== null && Number(value) > atMost) throw invalidConfig(`${name} must be less than or equal to ${most}`);
  }
}

const clientMetricsIntervalMsMin = 100;
const clientMetricsIntervalMsMax = 3_600_000;
const clientMatchers: ReadonlySet<string> = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]);

function validateClientMetrics(values: ReadonlyMap<string, string>): void {
  for (const [name, value] of values) {
    const definition = clientMetricsConfigs.get(name);
    if (definition === undefined) throw invalidRequest(`Unknown client metrics configuration: ${name}`);
    const error = configError(definition, value);
    if (error !== null) throw invalidConfig(error);
    const interval = Number(value);
    const isOutside = interval < clientMetricsIntervalMsMin || interval > clientMetricsIntervalMsMax;
    if (name === 'interval.ms' && isOutside) {
      throw invalidRequest(
        `Invalid value ${value} for interval.ms, interval must be between ${clientMetricsIntervalMsMin} and ` +
          `${clientMetricsIntervalMsMax} (1 hour)`,
      );
    }
    if (name === 'interval.ms') continue;
    const entries = listValues(value);
    if (new Set(entries).size < entries.length) {
      throw invalidConfig(`Configuration '${name}' values must not be duplicated.`);
    }
    if (entries.includes('')) throw invalidConfig(`Configuration '${name}' values must not be empty.`);
    if (name !== 'match') continue;
    const illegal = listValues(value).find((pattern) => !isClientPattern(pattern));
    if (illegal !== undefined) throw invalidConfig(`Illegal client matching pattern: ${illegal}`);
  }
}

function isClientPattern(pattern: string): boolean {
  const [matcher, expression, ...rest] = pattern.split('=');
  if (matcher === undefined || expression === undefined || rest.length > 0) return false;
  if (!clientMatchers.has(matcher.trim())) return false;
  try {
    // Clients name themselves: an expression that backtracks could be made to hold up a broker. So no look-around here.
    compileTopicRegex(expression.trim());
    return true;
  } catch {
    return false;
  }
}

function validateBroker(view: ControllerView, resource: ConfigResource, changes: Changes): void {
  if (resource.name !== '' && !/^[+-]?\d+$/.test(resource.name)) {
    throw invalidRequest('Unable to parse broker name as a base 10 number.');
  }
  if (Number(resource.name) < 0) throw invalidRequest('Invalid negative broker ID.');
  const refuse = (why: string): never => {
    throw invalidRequest(why);
  };
  const table = configTable(ConfigResourceType.BROKER);
  const known = [...changes].map(([name, value]) => [table?.get(name), value] as const);
  const fixed = known.filter(([definition]) => definition !== undefined && definition.dynamic === undefined);
  if (fixed.length > 0) refuse(`Cannot update these configs dynamically: [${names(fixed)}]`);
  const perBroker = known.filter(([definition]) => definition?.dynamic === 'per-broker');
  if (resource.name === '' && perBroker.length > 0) {
    refuse(`Cannot update these configs at default cluster level, broker id must be specified: [${names(perBroker)}]`);
  }
  for (const [definition, value] of known) {
    const error = definition === undefined || value === null ? null : configError(definition, value);
    if (error !== null) refuse(error);
  }
  if (isElrEnabled(view) && changes.has(minInSync)) checkMinInSync(resource, changes.get(minInSync) ?? null);
}

function names(known: readonly (readonly [ConfigDefinition | undefined, string | null])[]): string {
  return known.map(([definition]) => definition?.name ?? '').join(', ');
}

/** Eligible leaders are sound only under one min.insync.replicas that all brokers agree on. */
function checkMinInSync(resource: ConfigResource, value: string | null): void {
  if (resource.name !== '') {
    throw invalidConfig(`Broker-level ${minInSync} cannot be altered while ELR is enabled.`);
  }
  if (value === null) throw invalidConfig(`Cluster-level ${minInSync} cannot be removed while ELR is enabled.`);
}

function checkExistence(view: ControllerView, resource: ConfigResource): void {
  if (resource.type === ConfigResourceType.TOPIC && !view.image.topics.byName.has(resource.name)) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resource.name}' does not exist.`);
  }
  if (resource.type !== ConfigResourceType.BROKER || resource.name === '') return;
  const { brokers, controllers } = view.image.cluster;
  const id = Number(resource.name);
  if (!brokers.has(id) && !controllers.has(id)) {
    throw new ApiError(ErrorCode.BROKER_ID_NOT_REGISTERED, `No node with id ${id} found.`);
  }
}

type ResourceError = PartError & { readonly resourceType: number; readonly resourceName: string };

/** Runs `change` for every resource; one that is named twice fails. */
function changeResources<Resource extends { readonly resourceType: number; readonly resourceName: string }>(
  resources: readonly Resource[],
  change: (resource: Resource) => MetadataRecord[],
): { records: MetadataRecord[]; responses: ResourceError[] } {
  const counts = new Map<string, number>();
  const keyOf = (resource: Resource): string => configKey(resource.resourceType, resource.resourceName);
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1);
  const records: MetadataRecord[] = [];
  const responses = resources.map((resource) => {
    const error = attempt(() => {
      if (counts.get(keyOf(resource)) !== 1) throw invalidRequest('Each resource must appear at most once.');
      records.push(...change(resource));
    });
    return { ...error, resourceType: resource.resourceType, resourceName: resource.resourceName };
  });
  refuseTooManyRecords(records.length);
  return { records, responses };
}

export function incrementalAlterConfigs(
  view: ControllerView,
  request: IncrementalAlterConfigsRequest,
): Decision<IncrementalAlterConfigsResponse> {
  const { records, responses } = changeResources(request.resources, ({ resourceType, resourceName, configs }) => {
    const resource = { type: resourceType, name: resourceName };
    const changes = new Map<string, string | null>();
    for (const { name, configOperation, value } of configs) {
      if (changes.has(name)) throw invalidRequest(`Error due to duplicate config keys : ${name}`);
      if (value === null && configOperation !== Operation.DELETE) {
        throw invalidRequest(`Null value not supported for : ${name}`);
      }
      changes.set(name, operated(view, resource, name, configOperation, value ?? ''));
    }
    return changeRecords(view, resource, changes, false);
  });
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, responses } };
}

function operated(
  view: ControllerView,
  resource: ConfigResource,
  name: string,
  operation: number,
  value: string,
): string | null {
  switch (operation) {
    case Operation.SET:
      return value;
    case Operation.DELETE:
      return null;
    case Operation.APPEND:
    case Operation.SUBTRACT: {
      const definition = configTable(resource.type)?.get(name);
      const verb = operation === Operation.APPEND ? 'APPEND' : 'SUBTRACT';
      if (definition?.type !== 'LIST') {
        throw invalidConfig(`Can't ${verb} to key ${name} because its type is not LIST.`);
      }
      const elements = listValues(presentValue(view, resource, definition)).filter((element) => element !== '');
      const given = listValues(value);
      if (operation === Operation.SUBTRACT) return elements.filter((element) => !given.includes(element)).join(',');
      return [...new Set([...elements, ...given])].join(',');
    }
    default:
      throw invalidRequest(`Unknown operation type ${operation} for config ${name}`);
  }
}

/** What a list is added to: what is set, else what holds without it. */
function presentValue(view: ControllerView, resource: ConfigResource, definition: ConfigDefinition): string {
  const set = configValues(view.image.configs, resource.type, resource.name).get(definition.name);
  if (set !== undefined) return set;
  if (!topicConfigs.has(definition.name)) return definition.default ?? '';
  return inheritedValue(definition, view.settings.layers(view.image)) ?? '';
}

/** The old form: what is not named is removed. */
export function alterConfigs(view: ControllerView, request: AlterConfigsRequest): Decision<AlterConfigsResponse> {
  const { records, responses } = changeResources(request.resources, ({ resourceType, resourceName, configs }) => {
    const resource = { type: resourceType, name: resourceName };
    const changes = new Map<string, string | null>();
    for (const { name, value } of configs) {
      if (changes.has(name)) throw invalidRequest(`Error due to duplicate config keys : ${name}`);
      if (value === null) throw invalidRequest(`Null value not supported for : ${name}`);
      changes.set(name, value);
    }
    for (const name of configValues(view.image.configs, resourceType, resourceName).keys()) {
      if (!changes.has(name)) changes.set(name, null);
    }
    return changeRecords(view, resource, changes, false);
  });
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, responses } };
}

/** On the first activation with eligible leader replicas: the cluster needs its min.insync.replicas in the log. */
export function elrSafetyRecords(view: ControllerView): MetadataRecord[] {
  const resource = { type: ConfigResourceType.BROKER, name: '' };
  if (configValues(view.image.configs, resource.type, resource.name).has(minInSync)) return [];
  const value = view.settings.text(minInSync);
  return value === null ? [] : [configRecord(resource, minInSync, value)];
}
