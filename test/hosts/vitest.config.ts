import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: { pool: 'forks', include: ['*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
});
