import { defineConfig } from 'vitest/config';

// `npm run test:container`: installs and builds everything once more, so not part of `npm test`.
export default defineConfig({
  test: {
    pool: 'forks',
    root: import.meta.dirname,
    include: ['*.slow.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
