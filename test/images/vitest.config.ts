import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As if sharp were installed beside the program.
  resolve: { alias: { sharp: createRequire(import.meta.url).resolve('sharp') } },
  test: { pool: 'forks', include: ['*.slow.ts'], testTimeout: 60_000 },
});
