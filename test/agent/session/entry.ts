import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { connectControl } from '../../../src/agent/session/control-client.js';
import type { HolderInfo } from '../../../src/agent/session/control-protocol.js';
import type { AgentConfig } from '../../../src/config/config.js';
import { statePaths } from '../../../src/config/paths.js';
import type { Driver } from './driver-process.js';

const run = promisify(execFile);

export interface Settings {
  readonly config: AgentConfig;
  readonly version?: string;
  readonly lingerMs?: number;
  /** More variables for an entry that is given these settings by its environment. */
  readonly environment?: Record<string, string>;
}

/** An MCP client with the agent as its server, as Claude Code starts one. */
export interface Entry {
  readonly client: Client;
  readonly pid: number;
  /** Structured content of the `status` tool. */
  status(): Promise<Record<string, unknown>>;
}

export async function startEntry(driver: Driver, settingsFile: string | Settings): Promise<Entry> {
  const byFile = typeof settingsFile === 'string';
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [driver.path, 'agent', ...(byFile ? ['--config', settingsFile] : [])],
    stderr: 'ignore',
    ...(byFile ? {} : { env: { ...settingsFile.environment, DRIVER_SETTINGS: JSON.stringify(settingsFile) } }),
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  const { pid } = transport;
  if (pid === null) throw new Error('the entry has no pid');
  const status = async () => {
    const { structuredContent } = await client.callTool({ name: 'status', arguments: {} });
    if (typeof structuredContent !== 'object' || structuredContent === null) throw new Error('no structured content');
    return { ...structuredContent };
  };
  return { client, pid, status };
}

export async function writeSettings(settings: Settings): Promise<string> {
  const file = join(settings.config.stateDir, 'settings.json');
  await writeFile(file, JSON.stringify(settings));
  return file;
}

/** Who runs the agent of this profile now, if anyone. */
export async function holder(config: AgentConfig): Promise<HolderInfo | undefined> {
  const client = await connectControl(config);
  try {
    return await client?.hello('visitor');
  } catch {
    return undefined;
  } finally {
    client?.close();
  }
}

/** Ends a process the hard way; nothing when it has gone already. */
export function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}

/** Parents of a process up to the first that has gone, nearest first. */
export async function ancestors(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (let next = await parentOf(pid); next > 1; next = await parentOf(next)) found.push(next);
  return found;
}

async function parentOf(pid: number): Promise<number> {
  const [file, args] =
    process.platform === 'win32'
      ? ['powershell', ['-c', `(Get-CimInstance Win32_Process -Filter ProcessId=${pid}).ParentProcessId`]]
      : ['ps', ['-o', 'ppid=', '-p', String(pid)]];
  const { stdout } = await run(file, args).catch(() => ({ stdout: '' }));
  return Number.parseInt(stdout, 10) || 0;
}

/** Messages in the daemon's log, oldest first. */
export async function logged(config: AgentConfig): Promise<string[]> {
  const text = await readFile(statePaths(config).log, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => String(JSON.parse(line).message));
}
