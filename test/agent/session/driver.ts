/**
 * The program the process tests run, standing where the command line stands:
 *   agent [--daemon | --foreground] --config FILE    FILE holds {config, version?, lingerMs?}; or its text in the environment
 *   token --config FILE                              prints an access token
 */
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { createAgent } from '../../../src/agent/agent.js';
import type { AgentSnapshot } from '../../../src/agent/agent-types.js';
import { createTokenSource } from '../../../src/agent/credentials/token-source.js';
import { CredentialError } from '../../../src/agent/credentials/types.js';
import { runDaemon } from '../../../src/agent/session/daemon.js';
import { acquireInstance } from '../../../src/agent/session/instance.js';
import { runStdioEntry } from '../../../src/agent/session/stdio-entry.js';
import type { AgentConfig } from '../../../src/config/config.js';
import type { Logger } from '../../../src/log/logger.js';

interface Settings {
  readonly config: AgentConfig;
  readonly version?: string;
  readonly lingerMs?: number;
}

const [command, ...args] = process.argv.slice(2);
const configArgument = args.includes('--config') ? args[args.indexOf('--config') + 1] : undefined;
const text = configArgument === undefined ? process.env.DRIVER_SETTINGS : await readFile(configArgument, 'utf8');
const settings: Settings = JSON.parse(text ?? '');
const { config, ...options } = settings;
const abort = new AbortController();
const { signal } = abort;
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => abort.abort());

if (command === 'token') await token();
else if (args.includes('--daemon')) await runDaemon(config, { ...options, signal, logger: lineLogger });
else if (args.includes('--foreground')) await foreground();
else {
  const named = configArgument === undefined ? {} : { configArgument };
  await runStdioEntry(config, { ...options, ...named, signal, logger: lineLogger(process.stderr) });
}

async function token(): Promise<void> {
  try {
    console.log(JSON.stringify({ token: await createTokenSource(config).accessToken({ signal }) }));
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    console.log(JSON.stringify({ code: error.code }));
  }
}

async function foreground(): Promise<void> {
  const instance = await acquireInstance(config, { ...options, signal });
  const logger = lineLogger(process.stderr);
  const credentials = createTokenSource(config);
  const agent = createAgent(config, { logger, browser: false, credentials, whenRefused: 'wait', version: '0.0.0' });
  instance.serve(agent);
  const snapshot: AgentSnapshot = agent.snapshot();
  console.log(JSON.stringify({ pid: snapshot.pid }));
  await agent.run(signal);
  await instance.release();
}

function lineLogger(stream: Writable, subsystem = 'agent'): Logger {
  const write = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    stream.write(`${JSON.stringify({ level, subsystem, message, ...fields })}\n`);
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (name) => lineLogger(stream, name),
  };
}
