/**
 * What the tests need beyond `npm ci`: a Chromium for the login pages. Installed with apt-get on a Debian where that needs no
 * password; elsewhere one line says what to install, and the status is 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findChromium } from './chromium.mjs';

const needs = [{ what: 'Chromium', found: findChromium, apt: 'chromium' }];

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The words to put before `apt-get`; undefined where it is not there or asks for a password. */
function aptPrefix() {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/etc/debian_version')) return undefined;
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function aptInstall(prefix, packages) {
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return spawnSync(command, rest, { stdio: ['ignore', 2, 2] }).status === 0;
  };
  console.error(`Installing for the tests: ${packages.join(', ')}`);
  apt('update');
  return apt('install', '-y', '--no-install-recommends', ...packages);
}

const missing = needs.filter(({ found }) => found() === undefined);
if (missing.length > 0) {
  const prefix = aptPrefix();
  if (prefix)
    aptInstall(
      prefix,
      missing.map(({ apt }) => apt),
    );
}
const still = missing.filter(({ found }) => found() === undefined);
if (still.length > 0) {
  const hint = 'or set CHROMIUM_PATH to a Chrome or Edge';
  console.error(
    `The tests need ${still.map(({ what }) => what).join(', ')}: install it (Debian: apt-get install chromium), ${hint}.`,
  );
  process.exit(1);
}
