import { defineConfig } from 'vitest/config';

/** `npm run test:long`: minutes, not seconds. The files of test/long lack the ending that `npm test` looks for. */
export default defineConfig({
  test: {
    include: ['test/long/*.ts'],
    globalSetup: ['test/kafka/global-setup.ts'],
    pool: 'forks',
    // One after the other: each has brokers and processes of its own, and waits for them.
    maxWorkers: 1,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
});
