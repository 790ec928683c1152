import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    pool: 'forks',
    include: ['*.test.ts'],
    globalSetup: ['./build.mjs'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One after the other: opencode's and mcp-remote's callback ports are fixed.
    fileParallelism: false,
  },
});
