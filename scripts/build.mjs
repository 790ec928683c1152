/** `npm run build`: dist/ made anew from src/ with tsc, files beside the code copied, oclif.manifest.json brought up to date. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Runs one of the tools with this Node, and ends with its status when it fails. */
function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(join(root, 'dist'), { recursive: true, force: true });
node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
// tsc leaves what is not TypeScript behind: page templates, styles.
cpSync(join(root, 'src'), join(root, 'dist'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !['.ts', '.md'].includes(extname(path)),
});
if (existsSync(join(root, 'scripts/manifest.mjs'))) node('scripts/manifest.mjs');
