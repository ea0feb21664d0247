import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts of the run as JSON; unset for a person at a terminal. */
const jsonFile = process.env['KILLDEER_TEST_JSON'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kafka/global-setup.ts'],
    // Processes, not threads: tests start worker threads of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: jsonFile === undefined ? ['default'] : ['default', ['json', { outputFile: jsonFile }]],
  },
});
