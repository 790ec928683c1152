// `node scripts/complete-lock.mjs [FOLDER]`, after each change of a lock: a registry's mirror may lack the native packages of
// platforms it never serves, and npm then leaves them out of the lock, which `npm ci` refuses. Adds them by name and version.
import fs from 'node:fs';

const file = `${process.argv[2] ?? '.'}/package-lock.json`;
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
const OS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'win32',
  'windows',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
  'openharmony',
  'wasi',
];
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];
const added = [];
for (const [key, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = key ? `${key}/node_modules/${name}` : `node_modules/${name}`;
    const top = `node_modules/${name}`;
    if (lock.packages[nested] || lock.packages[top]) continue;
    const parts = name.split('/').pop().split('-');
    let os = OS.find((o) => parts.includes(o)),
      cpu = CPU.find((c) => parts.includes(c));
    const libc = parts.some((p) => p.startsWith('musl'))
      ? 'musl'
      : parts.some((p) => p === 'gnu' || p.startsWith('gnueabi'))
        ? 'glibc'
        : undefined;
    if (!os && !cpu) {
      console.log('?', name, range, key);
      continue;
    }
    if (os === 'windows') os = 'win32';
    lock.packages[top] = {
      version: range.replace(/^[^\d]*/, ''),
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc: [libc] } : {}),
      optional: true,
      ...(os ? { os: [os] } : {}),
    };
    added.push(top);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length, 'added', added.join(' '));
