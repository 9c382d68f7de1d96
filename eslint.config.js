// House rules as lint. There is no warnings level: a rule holds or it is not here.
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

const nondeterminism = 'comes from the Runtime (main/runtime/runtime.ts), so that the same code runs in the simulation';
const banned = (name) => ({ name, message: `${name} ${nondeterminism}` });

const rendererRules = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  eqeqeq: 'error',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'test-results/', 'release/', '**/*.d.ts'] },
  {
    files: ['**/*.ts'],
    ignores: ['renderer/**'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'TSEnumDeclaration',
          message: 'Use a union or a const object: source must run with types stripped.',
        },
      ],
    },
  },
  {
    files: ['main/**/*.ts'],
    ignores: [
      'main/runtime/node/**',
      'main/runtime/simulated/**',
      'main/broker/process.ts',
      'main/cluster/**',
      'main/workloads/**',
      'main/faults/**',
      'main/inspection/**',
      'main/engine.ts',
      'main/embed.ts',
      '**/*.test.ts',
    ],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Date',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'process',
          'performance',
          'queueMicrotask',
          'fetch',
          'crypto',
        ].map(banned),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: `Randomness ${nondeterminism}` },
      ],
    },
  },
  {
    files: ['tests/**/*.ts', '**/*.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='waitForTimeout']",
          message: 'Wait for a condition, not for time.',
        },
        {
          selector:
            'CallExpression[callee.object.name=/^(it|test|describe)$/][callee.property.name=/^(only|skip|todo|fixme)$/]',
          message: 'A test that does not run proves nothing.',
        },
      ],
    },
  },
  ...svelte.configs.base,
  {
    files: ['renderer/**/*.ts'],
    ignores: ['renderer/**/*.svelte.ts'],
    extends: [tseslint.configs.base],
    rules: rendererRules,
  },
  {
    files: ['renderer/**/*.svelte', 'renderer/**/*.svelte.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.svelte'] } },
    rules: rendererRules,
  },
);
