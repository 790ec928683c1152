/** Programs that tests run and npm does not install: found in the system, or unpacked from Debian's archive into node_modules. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Goes with node_modules; nothing of it is installed, so no service starts and no password is asked for. */
const unpacked = resolve(import.meta.dirname, '../node_modules/.cache/mcp-local-tunnel');

/** Absolute path of a program; undefined when there is none. */
export function findProgram(name) {
  const system = (process.env.PATH ?? '').split(delimiter);
  // Servers are in sbin, which only root's PATH has on Debian.
  const folders = [...system, '/usr/sbin', ...['usr/bin', 'usr/sbin'].map((folder) => join(unpacked, folder))];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Unpacks Debian packages beside each other. @returns false where apt-get does not have one */
export function unpack(packages) {
  mkdirSync(unpacked, { recursive: true });
  const folder = mkdtempSync(join(unpacked, 'deb-'));
  const run = (command, ...args) => spawnSync(command, args, { cwd: folder, stdio: 'ignore' }).status === 0;
  try {
    if (!run('apt-get', '-q', 'download', ...packages)) return false;
    return readdirSync(folder).every((file) => run('dpkg-deb', '-x', file, unpacked));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
