import { defineConfig } from 'vitest/config';

export default defineConfig({
  // oxc must be told: without the metadata Nest injects `undefined`.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    pool: 'forks',
    // One for each processor: most of a test's time is that of the processes it starts.
    maxWorkers: '100%',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/hosts/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    disableConsoleIntercept: true,
  },
});
