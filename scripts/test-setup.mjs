/**
 * What the tests need beyond `npm ci`: a Chromium for the login pages, and on Linux the proxies that README has settings
 * for, and `script`, which makes a terminal. On a Debian, Chromium is installed with apt-get where that needs no password,
 * and the others are only unpacked; elsewhere one line says what to install, and the status is 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findChromium } from './chromium.mjs';
import { findProgram, unpack } from './programs.mjs';

const program = (name) => ({ what: name, found: () => findProgram(name), apt: name });
const toInstall = [
  { what: 'Chromium (or CHROMIUM_PATH set to a Chrome or Edge)', found: findChromium, apt: 'chromium' },
];
// Installed, they would start as services.
const toUnpack =
  process.platform === 'linux'
    ? [...['nginx', 'caddy', 'openssl'].map(program), { ...program('script'), apt: 'bsdutils' }]
    : [];

const missing = (needs) => needs.filter(({ found }) => found() === undefined);
const packages = (needs) => needs.map(({ apt }) => apt);

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The words to put before `apt-get`; undefined where it asks for a password. */
function aptPrefix() {
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function setUp() {
  const prefix = aptPrefix();
  const apt = (...args) => {
    if (prefix === undefined) return false;
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return spawnSync(command, rest, { stdio: ['ignore', 2, 2] }).status === 0;
  };
  const [install, unpacked] = [missing(toInstall), missing(toUnpack)].map(packages);
  if (install.length + unpacked.length === 0) return;
  console.error(`Getting for the tests: ${[...install, ...unpacked].join(', ')}`);
  let updated = false;
  if (install.length > 0) {
    updated = apt('update');
    apt('install', '-y', '--no-install-recommends', ...install);
  }
  // The lists of packages may be old, or not there at all.
  if (unpacked.length > 0 && !unpack(unpacked) && !updated && apt('update')) unpack(unpacked);
}

if (existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')) setUp();
const still = missing([...toInstall, ...toUnpack]);
if (still.length > 0) {
  const debian = packages(still).join(' ');
  console.error(`The tests need ${still.map(({ what }) => what).join(', ')}. On Debian: apt-get install ${debian}`);
  process.exit(1);
}
