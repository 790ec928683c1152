import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig } from '../../../src/config/config.js';

export interface TempConfig extends AsyncDisposable {
  readonly config: AgentConfig;
}

/** A config whose state lives in a folder of its own, removed with it. */
export async function tempConfig(relay: string, more: Partial<AgentConfig> = {}): Promise<TempConfig> {
  const stateDir = await mkdtemp(join(tmpdir(), 'agent-state-'));
  const config: AgentConfig = {
    mode: 'agent',
    relay,
    name: 'laptop',
    servers: {},
    clientFit: true,
    insecure: false,
    profile: '0123456789abcdef',
    stateDir,
    ...more,
  };
  return { config, [Symbol.asyncDispose]: () => rm(stateDir, { recursive: true, force: true }) };
}
