import { expect, test } from 'vitest';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { ClusterDirectory } from './cluster-directory.ts';
import type { Topology } from './topology.ts';

const topology: Topology = {
  formatVersion: 1,
  clusterId: 'abc',
  profile: 'laptop',
  host: '127.0.0.1',
  brokers: [{ id: 1, port: 19092, controllerPort: 19192, rack: null }],
  configs: { 'log.retention.ms': '1000' },
};

function directoryWith(name: string, text: string): ClusterDirectory {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  disk.makeDirectory('/d/highwater');
  disk.writeFileAtomic(`/d/highwater/${name}`, Buffer.from(text));
  return new ClusterDirectory('/d', disk);
}

test('a topology is read as it was written', () => {
  const directory = directoryWith('running.json', '{}');
  expect(directory.readTopology()).toBeNull();
  directory.writeTopology(topology);
  expect(directory.readTopology()).toEqual(topology);
});

test.each([
  ['brokers', null],
  ['brokers', [null]],
  ['brokers', {}],
  ['brokers', []],
  ['profile', 'constructor'],
  ['configs', { a: 1 }],
  ['host', 7],
])('a topology whose %s is %j is refused, and the file named', (field, value) => {
  const directory = directoryWith('cluster.json', JSON.stringify({ ...topology, [field]: value }));
  expect(() => directory.readTopology()).toThrow(`/d/highwater/cluster.json is damaged: ${field}`);
});

test('another format is told apart from damage, and what is no JSON says so', () => {
  const later = directoryWith('cluster.json', JSON.stringify({ formatVersion: 2, all: 'new' }));
  expect(() => later.readTopology()).toThrow('has format 2, this highwater knows 1');
  expect(() => directoryWith('cluster.json', 'null').readTopology()).toThrow('is damaged');
  expect(() => directoryWith('cluster.json', '{').readTopology()).toThrow('is not JSON');
  expect(() => directoryWith('running.json', '{"supervisorPid":0}').readRunning()).toThrow('is damaged: supervisorPid');
});
