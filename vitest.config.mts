import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts', 'simulator/test/**/*.test.ts'],
    globalSetup: ['__test__/servers/setup.mjs'],
    // Worker threads and process ends are part of what is tested: each file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
