import type { AgentConfig } from '../config/config.js';
import { appVersion } from '../config/version.js';
import type { Logger } from '../log/logger.js';
import { createAgent } from './agent.js';
import { CredentialStore } from './credentials/store.js';
import { createTokenSource } from './credentials/token-source.js';
import type { LoginOptions } from './login.js';
import { acquireInstance } from './session/instance.js';

export interface ForegroundOptions {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** How to log in when nobody has yet; absent where no person sits in front of this process. */
  readonly login?: Omit<LoginOptions, 'signal'>;
}

/**
 * Runs this config's agent in this process until `signal` aborts, after a login if there has been none.
 * @throws InstanceHeldError, LoginError, CredentialError, LinkRefused
 */
export async function runAgent(config: AgentConfig, options: ForegroundOptions): Promise<void> {
  const { signal, logger } = options;
  const instance = await acquireInstance(config, { signal });
  try {
    if (options.login !== undefined && (await new CredentialStore(config).load()) === undefined) {
      const { login } = await import('./login.js');
      const { account } = await login(config, { ...options.login, signal });
      logger.info(`logged in${account === undefined ? '' : ` as ${account}`}`);
    }
    const agent = createAgent(config, {
      logger,
      browser: options.login?.browser ?? false,
      credentials: createTokenSource(config),
      whenRefused: 'stop',
      version: appVersion(),
    });
    instance.serve(agent);
    await agent.run(signal);
  } finally {
    await instance.release();
  }
}
