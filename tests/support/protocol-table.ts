// docs/PROTOCOL.md from what a running broker advertises on its two listeners, beside what Kafka 4.3.1 does.

import { advertisedByKafka, apis } from '../../main/protocol/api-keys.ts';
import { apiVersionsApi } from '../../main/protocol/messages/api-versions.ts';
import { RawClient } from './raw-client.ts';

type Ranges = ReadonlyMap<number, string>;

export async function protocolTable(clientAddress: string, controllerAddress: string): Promise<string> {
  const onClient = await advertised(clientAddress);
  const onController = await advertised(controllerAddress);
  const kafka = { client: kafkaRanges('broker'), controller: kafkaRanges('controller') };
  const lines = [...apis]
    .sort((a, b) => a.key - b.key)
    .filter(({ key }) => kafka.client.has(key) || kafka.controller.has(key))
    .map(({ key, name }) => {
      const cells = [onClient.get(key), kafka.client.get(key), onController.get(key), kafka.controller.get(key)];
      return `| ${key} | ${name} | ${cells.map((cell) => cell ?? '–').join(' | ')} |`;
    });
  return [
    '# Protocol',
    '',
    'Every API that Apache Kafka 4.3.1 advertises, and the versions served here. Written by `npm run protocol-table` from what',
    'a running broker answers to ApiVersions; a test holds it true. Schemas and codecs exist for all of them in all versions.',
    '',
    '| key | API | clients: here | clients: Kafka | controller: here | controller: Kafka |',
    '|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

async function advertised(address: string): Promise<Ranges> {
  const client = await RawClient.connect(address);
  const { apiKeys } = await client.ask(apiVersionsApi, 3, { clientSoftwareName: 'table', clientSoftwareVersion: '1' });
  client.close();
  return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, rangeText(minVersion, maxVersion)]));
}

function kafkaRanges(listener: 'broker' | 'controller'): Ranges {
  return new Map(
    advertisedByKafka(listener).map(({ api, versions }) => [api.key, rangeText(versions.min, versions.max)]),
  );
}

function rangeText(min: number, max: number): string {
  return min === max ? String(min) : `${min}–${max}`;
}
