/** Runs the main package's tests with the Node of this folder; npm put it first on PATH, so what tests start uses it too. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
if (!process.version.startsWith('v24.')) {
  console.error(`This is Node ${process.version}: start it with \`npm run test:node24\`.`);
  process.exit(1);
}
console.log(`Node ${process.version}`);
const vitest = resolve(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
