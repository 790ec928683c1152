import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loggerTo } from '../../test/helpers/logger.js';
import type { AgentConfig } from '../config/config.js';
import { createAgent } from './agent.js';
import { createTokenSource } from './credentials/token-source.js';

test('a server that cannot be reached tells so once, however often it is tried', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'agent-'));
  const lines: string[] = [];
  const logger = loggerTo((_level, message) => void lines.push(message));
  const config: AgentConfig = {
    mode: 'agent',
    relay: 'http://127.0.0.1:1',
    name: 'laptop',
    servers: { down: { url: 'http://127.0.0.1:1/mcp', headers: {}, disabled: false } },
    clientFit: true,
    insecure: false,
    profile: 'test',
    stateDir,
  };
  const credentials = createTokenSource(config);
  const agent = createAgent(config, { logger, browser: false, credentials, whenRefused: 'wait', version: '0' });
  const ended = new AbortController();
  let failures = 0;
  agent.onChange(({ servers }) => {
    if (servers[0]?.status === 'failed') failures += 1;
    if (failures === 3) ended.abort();
  });
  try {
    await agent.run(ended.signal).catch((error: unknown) => {
      if (error !== ended.signal.reason) throw error;
    });
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
  const told = lines.filter((line) => line.startsWith('server down'));
  expect(told).toEqual(['server down starting', expect.stringMatching(/^server down failed: /), 'server down stopped']);
});
