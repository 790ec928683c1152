import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hosts } from './hosts.js';
import manifest from './package.json' with { type: 'json' };

const run = promisify(execFile);
let home = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'hosts-'));
});

afterAll(() => rm(home, { recursive: true, force: true }));

test.each([
  ['opencode', hosts.opencode, manifest.dependencies['opencode-ai']],
  ['Claude Code', hosts.claude, manifest.dependencies['@anthropic-ai/claude-code']],
])('%s starts in an empty home folder', async (_, command, version) => {
  const env = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: join(home, 'config') };
  const { stdout } = await run(command, ['--version'], { env, shell: process.platform === 'win32' });
  expect(stdout).toContain(version);
});
