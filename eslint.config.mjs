import js from '@eslint/js'
import ts from 'typescript-eslint'

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, 'readonly']))

const NODE = readonly(
  ...[
    'process',
    'console',
    'Buffer',
    'URL',
    'URLSearchParams',
    'AbortController',
    'AbortSignal',
    'fetch',
    'performance',
  ],
  ...[
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
    'queueMicrotask',
    'structuredClone',
  ],
)
const COMMONJS = readonly('require', 'module', '__dirname', '__filename')

export default ts.config(
  { ignores: ['target/**', 'npm/**', 'binding.js', 'binding.d.ts', '**/node_modules/**'] },
  js.configs.recommended,
  {
    files: ['**/*.js', '**/*.cjs'],
    ignores: ['demo/web/app.js'],
    languageOptions: { sourceType: 'commonjs', globals: { ...NODE, ...COMMONJS } },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: NODE } },
  { files: ['__test__/programs/lockdown.cjs'], languageOptions: { globals: readonly('lockdown') } },
  {
    files: ['demo/web/app.js'],
    languageOptions: { globals: readonly('document', 'location', 'fetch', 'URLSearchParams') },
  },
  { files: ['**/*.ts', '**/*.mts'], extends: [ts.configs.recommended] },
  {
    plugins: { '@typescript-eslint': ts.plugin },
    rules: {
      // Leading underscore: what a signature or a loop asks for and nobody reads.
      'no-unused-vars': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
  {
    // Only its types are looked at.
    files: ['__test__/types/*.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
)
