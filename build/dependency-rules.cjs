// Who may import whom (docs/ARCHITECTURE.md prints the bands). Each rule carries its reason; there are no warnings.
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const main = (...folders) => `^main/(${folders.join('|')})/`;
const tests = '\\.test\\.ts$';

const foundations = ['core', 'runtime', 'protocol', 'records', 'net'];
const storage = ['log', 'raft', 'metadata', 'access'];
const roles = ['controller', 'replication', 'coordinators', 'sharing', 'broker'];
const fleet = ['cluster', 'faults', 'workloads', 'external', 'inspection'];
const product = ['drills', 'workspaces', 'api'];

module.exports = {
  forbidden: [
    rule('no-cycles', 'A cycle means two modules are one.', { pathNot: tests }, { circular: true }),
    rule(
      'core-stands-alone',
      'The words of the domain depend on nothing.',
      { path: main('core'), pathNot: tests },
      { pathNot: '^main/core/' },
    ),
    rule(
      'foundations-look-down',
      'Foundations know nothing of storage, roles or the fleet.',
      { path: main(...foundations), pathNot: tests },
      { path: main(...storage, ...roles, ...fleet, ...product) },
    ),
    rule(
      'protocol-is-pure',
      'Codecs do no I/O, so that they can be fuzzed and simulated.',
      { path: main('protocol', 'records'), pathNot: tests },
      { path: main('runtime', 'net') },
    ),
    rule(
      'storage-looks-down',
      'Log, raft and metadata serve the roles and must not know them.',
      { path: main(...storage), pathNot: tests },
      { path: main(...roles, ...fleet, ...product) },
    ),
    rule(
      'broker-never-sees-the-fleet',
      'A broker must run in the simulation and under any supervisor.',
      { path: main(...roles), pathNot: tests },
      { path: main(...fleet, ...product) },
    ),
    rule(
      'roles-are-composed-in-broker',
      'Controller, replication, coordinators and sharing meet only in broker/.',
      { path: main('controller', 'replication', 'coordinators', 'sharing'), pathNot: tests },
      { path: main('broker') },
    ),
    rule(
      'fleet-can-not-cheat',
      'What the fleet and the drills know they learn from broker/contract.ts and the wire, like any client. (Record batches are part of the wire: a producer builds them, a consumer reads them.)',
      { path: main(...fleet, 'drills'), pathNot: tests },
      { path: main(...storage, ...roles), pathNot: '^main/broker/contract\\.ts$' },
    ),
    rule(
      'inspection-reads-bytes',
      "It parses a broker's files by itself, so that it shows what is on the disk and not what our log thinks of it.",
      { path: main('inspection'), pathNot: tests },
      { path: '^main/', pathNot: '^main/(core|runtime|records|protocol|api|inspection)/' },
    ),
    rule(
      'api-is-pure',
      'The renderer imports api: it may reach only core.',
      { path: main('api'), pathNot: tests },
      { path: '^main/', pathNot: '^main/(api|core)/' },
    ),
    rule(
      'renderer-imports-api-only',
      'The renderer talks to the engine over the contract. (renderer/dev is no part of it: the fixture shows real bytes.)',
      { path: '^renderer/', pathNot: '^renderer/dev/' },
      { path: '^(main|app)/', pathNot: '^main/api/' },
    ),
    rule(
      'electron-in-its-shell',
      'The engine runs on plain Node.',
      { pathNot: '^(app/electron|tests)/' },
      { path: '^node_modules/electron/' },
    ),
    rule(
      'node-stays-below-the-seam',
      'Everything non-deterministic enters through the Runtime.',
      {
        path: '^main/',
        pathNot: [
          tests,
          '^main/runtime/node/',
          '^main/broker/process\\.ts$',
          '^main/(cluster|workloads|faults|external)/',
          '^main/(engine|embed)\\.ts$',
          '^main/records/compression/',
          // Pure functions of their arguments, as compression is: salts and nonces come from the Runtime.
          '^main/net/sasl/scram-keys\\.ts$',
        ],
      },
      { dependencyTypes: ['core'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.svelte', '.js', '.mjs'] },
  },
};
