/** `npm run size`: no source file over 300 lines, no command over 60. Generated and golden files are not source. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const limits = [
  { folder: 'src/commands', lines: 60 },
  ...['src', 'bin', 'test', 'bench', 'scripts'].map((folder) => ({ folder, lines: 300 })),
];
const seen = new Set();
const over = [];

for (const { folder, lines: limit } of limits) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.m?[jt]s$/.test(entry.name) || /[\\/]node_modules[\\/]/.test(path) || seen.has(path))
      continue;
    seen.add(path);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').length;
    if (lines > limit) over.push(`${path.slice(root.length + 1)}: ${lines} lines, at most ${limit}`);
  }
}

if (over.length > 0) {
  console.error(over.join('\n'));
  process.exit(1);
}
console.log(`${seen.size} files within their limits`);
