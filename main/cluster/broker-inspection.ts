// What the Brokers screen asks of one broker: its configs and log directories over the wire, its log file from disk.

import { logDirReplicasMax, type LogDirView, type LogTail } from '../api/endpoints/brokers.ts';
import type { ConfigView } from '../api/endpoints/topics.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ErrorCode, errorName } from '../protocol/errors.ts';
import { describeConfigsApi } from '../protocol/messages/describe-configs.ts';
import { describeLogDirsApi } from '../protocol/messages/describe-log-dirs.ts';
import { incrementalAlterConfigsApi } from '../protocol/messages/incremental-alter-configs.ts';
import { DiskError, type Clock, type Disk } from '../runtime/runtime.ts';
import type { ClusterClient } from './cluster-client.ts';
import { ClusterError } from './cluster-error.ts';
import { configView, resourceType } from './config-views.ts';
import { untilSeen } from './until-seen.ts';

type BrokerHandlers = Pick<
  EndpointHandlers,
  'broker.configs' | 'broker.alterConfig' | 'broker.logDirs' | 'broker.logTail'
>;

const operation = { set: 0, delete: 1 } as const;
const tailBytes = 64 * 1024;
const unknownSize = -1;

export class BrokerInspection {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #logFile: (brokerId: number) => string;

  constructor(
    client: ClusterClient,
    { clock, disk }: { readonly clock: Clock; readonly disk: Disk },
    logFile: (brokerId: number) => string,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#disk = disk;
    this.#logFile = logFile;
  }

  handlers(): BrokerHandlers {
    return {
      'broker.configs': async ({ brokerId }) => ({ configs: await this.#configs(brokerId) }),
      'broker.alterConfig': async ({ brokerId, name, value, validateOnly }) => {
        await this.#alterConfig(brokerId, name, value, validateOnly);
        return null;
      },
      'broker.logDirs': ({ brokerId }) => this.#logDirs(brokerId),
      'broker.logTail': ({ brokerId, from }) => this.#logTail(brokerId, from),
    };
  }

  /** Only the broker itself knows what stands in its own properties. */
  async #configs(brokerId: number): Promise<readonly ConfigView[]> {
    await this.#know(brokerId);
    const resources = [{ resourceType: resourceType.broker, resourceName: String(brokerId), configurationKeys: null }];
    const body = { resources, includeSynonyms: true, includeDocumentation: true };
    const answer = await this.#client.send(brokerId, describeConfigsApi, body);
    const result = answer.results[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    return (result?.configs ?? []).map(configView).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #alterConfig(
    brokerId: number | null,
    name: string,
    value: string | null,
    validateOnly: boolean,
  ): Promise<void> {
    const configs = [{ name, value, configOperation: value === null ? operation.delete : operation.set }];
    const resourceName = brokerId === null ? '' : String(brokerId);
    const body = { resources: [{ resourceType: resourceType.broker, resourceName, configs }], validateOnly };
    if (brokerId !== null) await this.#know(brokerId);
    const answer = await (brokerId === null
      ? this.#client.sendToAny(incrementalAlterConfigsApi, body)
      : this.#client.send(brokerId, incrementalAlterConfigsApi, body));
    const result = answer.responses[0];
    requireOk(result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, result?.errorMessage ?? null);
    if (!validateOnly) await untilSeen(this.#clock, () => this.#isSeen(brokerId, name, value));
  }

  /** By the broker whose setting it is, or by every one that answers. */
  async #isSeen(brokerId: number | null, name: string, value: string | null): Promise<boolean> {
    const source = brokerId === null ? 'cluster' : 'broker';
    const isShownBy = async (id: number): Promise<boolean> => {
      const found = (await this.#configs(id)).find((config) => config.name === name);
      const given = found?.synonyms.find((synonym) => synonym.source === source);
      if (given === undefined || value === null) return given === undefined && value === null;
      return found?.sensitive === true || given.value === value;
    };
    const ids = brokerId === null ? this.#client.nodeIds : [brokerId];
    const shown = await Promise.all(ids.map((id) => isShownBy(id).catch(() => true)));
    return shown.every(Boolean);
  }

  async #logDirs(brokerId: number): Promise<readonly LogDirView[]> {
    await this.#know(brokerId);
    const answer = await this.#client.send(brokerId, describeLogDirsApi, { topics: null });
    requireOk(answer.errorCode, null);
    return answer.results.map((result) => {
      const replicas = result.topics.flatMap((topic) =>
        topic.partitions.map((each) => ({
          topic: topic.name,
          partition: each.partitionIndex,
          sizeBytes: each.partitionSize,
          offsetLag: each.offsetLag,
        })),
      );
      replicas.sort((a, b) => b.sizeBytes - a.sizeBytes);
      return {
        path: result.logDir,
        error: result.errorCode === ErrorCode.NONE ? null : errorName(result.errorCode),
        totalBytes: result.totalBytes === unknownSize ? null : result.totalBytes,
        usableBytes: result.usableBytes === unknownSize ? null : result.usableBytes,
        usedBytes: replicas.reduce((sum, replica) => sum + replica.sizeBytes, 0),
        replicas: replicas.slice(0, logDirReplicasMax),
        replicaCount: replicas.length,
      };
    });
  }

  #logTail(brokerId: number, from: number | null): LogTail {
    const path = this.#logFile(brokerId);
    let file;
    try {
      file = this.#disk.open(path, 'read');
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
      return { path, text: '', from: 0, to: 0, restarted: false };
    }
    try {
      const size = file.size();
      const restarted = from !== null && from > size;
      const start = from === null || restarted ? Math.max(0, size - tailBytes) : from;
      const bytes = Buffer.alloc(Math.min(tailBytes, size - start));
      const read = file.read(bytes, 0, bytes.length, start);
      // A line that is being written is shown whole with the next piece.
      const end = bytes.lastIndexOf(10, read - 1) + 1;
      const begin = from === null && start > 0 ? bytes.indexOf(10) + 1 : 0;
      return { path, text: bytes.toString('utf8', begin, end), from: start + begin, to: start + end, restarted };
    } finally {
      file.close();
    }
  }

  async #know(brokerId: number): Promise<void> {
    if (!this.#client.nodeIds.includes(brokerId)) await this.#client.refresh([]);
    if (!this.#client.nodeIds.includes(brokerId)) {
      throw new ClusterError('BROKER_NOT_AVAILABLE', `broker ${brokerId} is not running`, 'start it first');
    }
  }
}

function requireOk(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  const name = errorName(errorCode);
  throw new ClusterError(name, message ?? name);
}
