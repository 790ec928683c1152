/**
 * The program the process tests run, standing where the command line stands:
 *   agent [--daemon | --foreground] --config FILE    FILE holds {config, version?, lingerMs?}; or its text in the environment
 *   token --config FILE                              prints an access token
 */
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
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
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => abort.abort());

if (command === 'token') await token();
else if (args.includes('--daemon')) {
  const { runDaemon } = await import('../../../src/agent/session/daemon.js');
  await runDaemon(config, { ...options, signal, logger: lineLogger });
} else if (args.includes('--foreground')) {
  const { runAgent } = await import('../../../src/agent/foreground.js');
  await runAgent(config, { signal, logger: lineLogger(process.stderr) });
} else {
  const { runStdioEntry } = await import('../../../src/agent/session/stdio-entry.js');
  const named = configArgument === undefined ? {} : { configArgument };
  await runStdioEntry(config, { ...options, ...named, signal, logger: lineLogger(process.stderr) });
}

async function token(): Promise<void> {
  const { createTokenSource } = await import('../../../src/agent/credentials/token-source.js');
  const { CredentialError } = await import('../../../src/agent/credentials/types.js');
  try {
    console.log(JSON.stringify({ token: await createTokenSource(config).accessToken({ signal }) }));
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    console.log(JSON.stringify({ code: error.code }));
  }
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
