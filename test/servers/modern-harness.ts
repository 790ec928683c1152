import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HttpServerConfig, StdioServerConfig } from '../../src/config/config.js';
import type { CallClient } from '../../src/protocol/call-messages.js';
import { atEnd, fixture, http } from './harness.js';

const everything = fileURLToPath(new URL('../fixtures/everything-modern.mjs', import.meta.url));

/** A config entry for the hand-made stdio server of 2026-07-28. */
export const modern = (options: object = {}, over: Partial<StdioServerConfig> = {}): StdioServerConfig => ({
  command: [process.execPath, fixture('modern-server.mjs'), JSON.stringify(options)],
  env: {},
  disabled: false,
  ...over,
});

/** The fixture server built on SDK v2, over stdio. */
export const sdkOverStdio = (): StdioServerConfig => ({
  command: [process.execPath, everything, '--stdio'],
  env: {},
  disabled: false,
});

/** The same over HTTP, in a process of its own that ends after the test. */
export async function sdkOverHttp(): Promise<HttpServerConfig> {
  const child = spawn(process.execPath, [everything, '--http'], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return http(line.trim());
}

/** A client as the relay tells of it. */
export const client = (over: Partial<CallClient> = {}): CallClient => ({
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'client-1',
  info: { name: 'tester', version: '1' },
  capabilities: {},
  ask: 'mrtr',
  session: 'session-1',
  ...over,
});

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
