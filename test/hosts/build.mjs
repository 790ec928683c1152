import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const project = resolve(import.meta.dirname, '../..');

/**
 * Builds the program in a folder of its own, below node_modules so that it finds its packages; dist/ is left alone.
 * @param {import('vitest/node').TestProject} vitest
 */
export default function setup({ provide }) {
  const cache = join(project, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const root = mkdtempSync(join(cache, 'hosts-'));
  const remove = () => rmSync(root, { recursive: true, force: true });
  const tsc = [join(project, 'node_modules/typescript/bin/tsc'), '-p', join(project, 'tsconfig.build.json')];
  const built = spawnSync(process.execPath, [...tsc, '--noCheck', '--outDir', join(root, 'dist')]);
  if (built.status !== 0) {
    remove();
    throw new Error(`tsc failed: ${built.stdout}`);
  }
  for (const part of ['bin', 'package.json', 'oclif.manifest.json']) {
    cpSync(join(project, part), join(root, part), { recursive: true });
  }
  provide('program', join(root, 'bin/run.js'));
  return remove;
}
