import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RelayConfig } from '../config/config.js';
import { isLoopbackLiteral } from '../config/urls.js';
import type { Logger } from '../log/logger.js';
import { SetupLink } from './auth/accounts/setup-link.js';
import { BoundExpressAdapter } from './bound-express.adapter.js';
import { type HeldMemory, heldMemory } from './held-memory.js';
import { HttpFront } from './http-front.js';
import { createRelayApp, type RelayApp } from './relay-app.js';
import { shutDown } from './shut-down.js';
import { openStore } from './store/open.js';
import type { Store } from './store/store.js';

export interface Relay {
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly port: number;
  /** The one-time link that makes the first person to open it the owner; undefined with an owner, or with `auth`. */
  readonly setupUrl: string | undefined;
  /** The one-time link to a new password for the owner; only when `resetOwner` asked for it. */
  readonly resetUrl: string | undefined;
  readonly nest: NestExpressApplication;
  /** What it holds now. */
  held(): HeldMemory;
  /** Ends in good order: running calls may finish for `limits.drainSeconds`. Never rejects; repeating it waits for the first. */
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly logger: Logger;
  /** Issue a link to a new password for the owner; without an owner it is the usual link. Nothing with `auth`. */
  readonly resetOwner?: boolean;
}

export interface RunOptions extends RelayOptions {
  /** Aborted: the relay ends in good order. */
  readonly signal: AbortSignal;
  readonly onListening?: (relay: Pick<Relay, 'publicUrl' | 'port' | 'setupUrl' | 'resetUrl'>) => void;
}

/**
 * A relay that serves when the promise resolves.
 * @throws ListenError when the port or the host cannot be had, StoreError when `dataDir` cannot be used
 */
export async function createRelay(config: RelayConfig, { logger, resetOwner }: RelayOptions): Promise<Relay> {
  const adapter = new BoundExpressAdapter(config.trustProxy);
  const front = new HttpFront(config.limits, adapter.trust);
  let store: Store | undefined;
  let app: RelayApp | undefined;
  try {
    // First of all: a second relay on this port must not touch the store, and a balancer sees us starting.
    const port = await front.listen(config.port, config.host);
    const publicUrl = config.issuerUrl ?? `http://localhost:${port}`;
    store = await openStore(config.dataDir);
    adapter.bind(front.server);
    app = await createRelayApp({ config, store, publicUrl, logger }, adapter);
    const { nest, handlers } = app;
    const link = config.auth === undefined ? nest.get(SetupLink, { strict: false }) : undefined;
    const setupUrl = await link?.issue();
    const resetUrl = resetOwner === true ? await link?.issueReset() : undefined;
    front.serve(handlers);
    const parts = { nest, front, store, limits: config.limits, logger };
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= shutDown(parts);
      return closing;
    };
    return { publicUrl, port, setupUrl, resetUrl, nest, held: () => heldMemory(nest, front), close };
  } catch (error) {
    await front.close(0);
    await app?.nest.close();
    await store?.close();
    throw error;
  }
}

/**
 * Runs a relay until `signal` aborts; SIGUSR2 has it log what memory it holds. Resolves when it has ended in good order.
 * @throws ListenError, StoreError: see createRelay
 */
export async function runRelay(config: RelayConfig, options: RunOptions): Promise<void> {
  const { logger, signal, onListening } = options;
  const relay = await createRelay(config, options);
  const tell = () => logger.info('memory held', { ...relay.held(), resident: process.memoryUsage.rss() });
  // Not on Windows, which has no such signal.
  process.on('SIGUSR2', tell);
  try {
    announce(relay, config, logger);
    onListening?.(relay);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    logger.info('stopping', { graceSeconds: config.limits.drainSeconds });
  } finally {
    await relay.close();
    process.off('SIGUSR2', tell);
  }
}

/** What whoever started the relay has to know. */
function announce(relay: Relay, config: RelayConfig, logger: Logger): void {
  logger.info('relay is up', { url: relay.publicUrl, endpoint: `${relay.publicUrl}/mcp`, port: relay.port });
  // The only secrets in the log: each works once, and there is no other way to hand it over.
  if (relay.setupUrl !== undefined) logger.info(`no owner yet; to become it, open ${relay.setupUrl}`);
  if (relay.resetUrl !== undefined) logger.info(`to set a new password for the owner, open ${relay.resetUrl}`);
  if (config.issuerUrl === undefined && !isLoopbackLiteral(config.host)) {
    logger.warn(
      `"issuerUrl" is not set: this relay can be used from this machine only, as ${relay.publicUrl}. Set it to the public https:// address.`,
    );
  }
}
