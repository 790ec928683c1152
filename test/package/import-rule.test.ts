import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** File to what it holds; a tree that keeps the rule. */
const clean: Record<string, string> = {
  'src/protocol/names.ts': 'export const names = 1;',
  'src/protocol/names.test.ts': "import 'vitest';\nimport './names.js';",
  'src/config/load.ts': "import 'class-validator';\nimport process from 'node:process';\nexport default process;",
  'src/log/logger.ts': "import 'node:fs';",
  'src/cli/base.ts': "import '@oclif/core';\nimport '../config/load.js';",
  'src/commands/relay.ts':
    "import '../cli/base.js';\nexport const go = async () => { await import('../relay/relay.js'); await import('../agent/session/daemon.js'); };",
  'src/relay/relay.ts': "import '@nestjs/core';\nimport './mcp/mcp.js';\nimport './tunnel/tunnel.js';",
  'src/relay/store/store.ts': "import 'classic-level';",
  'src/relay/auth/auth.ts': "import '../store/store.js';",
  'src/relay/devices/registry.ts': "import '../../protocol/names.js';\nimport '../store/store.js';",
  'src/relay/mcp/mcp.ts': "import '../auth/auth.js';\nimport '../devices/registry.js';",
  'src/relay/tunnel/tunnel.ts': "import 'ws';\nimport '../devices/registry.js';",
  'src/relay/web/pages.ts': "import 'eta';\nimport '../auth/auth.js';",
  'src/agent/session/daemon.ts': "import '../link/dial.js';",
  'src/agent/link/dial.ts': "import 'ws';\nimport '../../protocol/names.js';",
};

/** Rule, then a file and what it holds that breaks it. */
const violations: readonly [rule: string, file: string, text: string][] = [
  ['protocol-imports', 'src/protocol/bad.ts', "import '../log/logger.js';"],
  ['protocol-is-pure', 'src/protocol/pure.ts', "import 'node:fs';"],
  ['protocol-is-pure', 'src/protocol/package.ts', "import 'zod';"],
  ['config-imports', 'src/config/bad.ts', "import '../log/logger.js';"],
  ['log-imports', 'src/log/bad.ts', "import '../protocol/names.js';"],
  ['cli-imports', 'src/cli/bad.ts', "import '../agent/link/dial.js';"],
  ['commands-imports', 'src/commands/deep.ts', "export const go = () => import('../relay/mcp/mcp.js');"],
  ['commands-imports', 'src/commands/deep-type.ts', "import type {} from '../agent/link/dial.js';"],
  ['commands-load-lazily', 'src/commands/static.ts', "import '../relay/relay.js';"],
  ['agent-imports', 'src/agent/bad.ts', "import '../relay/relay.js';"],
  ['relay-devices-imports', 'src/relay/devices/bad.ts', "import '../tunnel/tunnel.js';"],
  ['relay-auth-imports', 'src/relay/auth/bad.ts', "import '../devices/registry.js';"],
  ['relay-mcp-imports', 'src/relay/mcp/bad.ts', "import '../tunnel/tunnel.js';"],
  ['relay-tunnel-imports', 'src/relay/tunnel/bad.ts', "import '../mcp/mcp.js';"],
  ['relay-web-imports', 'src/relay/web/bad.ts', "import '../mcp/mcp.js';"],
  ['relay-store-imports', 'src/relay/store/bad.ts', "import '../auth/auth.js';"],
  ['relay-root-imports', 'src/relay/bad.ts', "import '../agent/link/dial.js';"],
  ['folder-without-a-rule', 'src/relay/extra/bad.ts', "import 'node:fs';"],
  ['folder-without-a-rule', 'src/utils/bad.ts', "import 'node:fs';"],
  ['home-of-nestjs', 'src/agent/nest.ts', "import '@nestjs/common';"],
  ['home-of-nestjs', 'src/config/nest.ts', "import 'rxjs';"],
  ['home-of-express', 'src/agent/express.ts', "import type {} from 'express';"],
  ['home-of-express', 'src/agent/provider.ts', "import 'oidc-provider';"],
  ['home-of-class-validator', 'src/agent/validator.ts', "import 'class-validator';"],
  ['home-of-reflect-metadata', 'src/agent/metadata.ts', "import 'reflect-metadata';"],
  ['home-of-oclif', 'src/relay/oclif.ts', "import '@oclif/core';"],
  ['home-of-ws', 'src/relay/devices/socket.ts', "import 'ws';"],
  ['home-of-ws', 'src/agent/session/socket.ts', "import 'ws';"],
  ['home-of-modelcontextprotocol', 'src/relay/auth/sdk.ts', "import '@modelcontextprotocol/sdk/types.js';"],
  ['home-of-openid-client', 'src/relay/mcp/openid.ts', "import 'openid-client';"],
  ['home-of-classic-level', 'src/relay/auth/level.ts', "import 'classic-level';"],
  ['environment-only-in-config', 'src/agent/env.ts', "import { env } from 'node:process';\nexport default env;"],
  ['test-packages-only-in-tests', 'src/agent/fast.ts', "import 'vitest';"],
  ['no-undeclared-package', 'src/agent/typo.ts', "import 'no-such-package-at-all';"],
  ['source-stands-alone', 'src/agent/helper.ts', "import '../../test/helpers/h.js';"],
  ['tests-are-not-imported', 'src/agent/borrow.ts', "import './own.test.js';"],
  ['no-barrels', 'src/agent/barrel.ts', "import './index.js';"],
  ['no-cycles', 'src/agent/egg.ts', "import './hen.js';"],
];
const beside: Record<string, string> = {
  'test/helpers/h.ts': 'export {};',
  'src/agent/own.test.ts': "import 'vitest';",
  'src/agent/index.ts': 'export {};',
  'src/agent/hen.ts': "import './egg.js';",
};

let folder = '';

async function write(tree: string, files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, tree, file)), { recursive: true });
    await writeFile(join(folder, tree, file), `${text}\nexport {};\n`);
  }
}

/** Violations as `rule file`, one for each finding. */
async function cruise(tree: string): Promise<string[]> {
  const cwd = join(folder, tree);
  await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'), 'junction');
  for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs']) {
    await copyFile(join(root, file), join(cwd, file));
  }
  const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [bin, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'];
  // The exit status counts the violations; the report is on stdout either way.
  const { stdout } = await run(process.execPath, args, { cwd, maxBuffer: 1 << 26 }).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error && String(error.stdout)) return { stdout: String(error.stdout) };
    throw error;
  });
  const report: { summary: { violations: { rule: { name: string }; from: string }[] } } = JSON.parse(stdout);
  return report.summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);
}

describe('the import rule', () => {
  let found: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-rule-'));
    await write('clean', clean);
    await write('broken', { ...clean, ...beside });
    await write('broken', Object.fromEntries(violations.map(([, file, text]) => [file, text])));
    found = await cruise('broken');
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('lets a tree pass that keeps it', async () => {
    expect(await cruise('clean')).toEqual([]);
  });

  test.each(violations)('%s catches %s', (rule, file) => {
    expect(found).toContain(`${rule} ${file}`);
  });

  test('finds nothing wrong with the files that keep it', () => {
    const innocent = found.filter((line) => Object.keys(clean).some((file) => line.endsWith(` ${file}`)));
    expect(innocent).toEqual([]);
  });
});
