import type { LocalServerConfig } from '../../config/config.js';
import type { AgentEnvironment } from '../../config/environment.js';
import type { ServerMemory } from './server-memory.js';
import { childEnvironment } from './stdio/child-environment.js';
import { loginPath } from './stdio/login-path.js';
import { StdioTransport } from './stdio/stdio-transport.js';
import type { Transport } from './transport.js';

const MESSAGE_BYTES = 64 * 1024 * 1024;

export interface ConnectorOptions {
  readonly environment: AgentEnvironment;
  /** Largest message a server may send; 64 MiB unless given. */
  readonly messageBytes?: number;
  readonly platform?: NodeJS.Platform;
}

export type Connect = (config: LocalServerConfig, era: 'legacy' | 'modern', memory: ServerMemory) => Promise<Transport>;

/** Makes a way to a server. Asks the login shell for PATH once, when the first process is to be started. */
export function connector(options: ConnectorOptions, closing: AbortSignal): Connect {
  const { environment, messageBytes = MESSAGE_BYTES, platform = process.platform } = options;
  let path: Promise<string> | undefined;
  return async (config, era, memory) => {
    if ('url' in config) {
      const http = { ...config, messageBytes, proxy: environment.proxy, memory };
      if (era === 'modern') {
        const { ModernHttpTransport } = await import('./http/modern-http-transport.js');
        return new ModernHttpTransport(http);
      }
      // Only who has such servers pays for the SDK's start.
      const { HttpTransport } = await import('./http/http-transport.js');
      return new HttpTransport(http);
    }
    path ??= loginPath(environment, closing);
    const env = childEnvironment(environment, await path, config.env, platform);
    return new StdioTransport({ ...config, env, messageBytes, platform, memory });
  };
}
