import { defineConfig } from 'vitest/config'

const common = {
  // Worker threads and process ends are part of what is tested: each file gets a process of its own.
  pool: 'forks' as const,
  // What hangs is found as well by a long wait, and a busy machine is no failure.
  testTimeout: 90_000,
  hookTimeout: 120_000,
  // Everything is on this machine, whatever the environment says of the way out.
  env: { NO_PROXY: '*', no_proxy: '*' },
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'package',
          include: ['__test__/**/*.test.ts'],
          globalSetup: ['__test__/servers/setup.mjs'],
        },
      },
      { test: { ...common, name: 'simulator', include: ['simulator/test/**/*.test.ts'] } },
    ],
  },
})
