import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { All, Controller, Get, Inject, Module, Post, Req, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Request, type Response } from 'express';
import type { Limits, RelayConfig } from '../../../src/config/config.js';
import { limitDefaults } from '../../../src/config/limits.js';
import { AuthModule } from '../../../src/relay/auth/auth.module.js';
import { BearerGuard, principalOf } from '../../../src/relay/auth/bearer.guard.js';
import { INTERACTIONS, InteractionError, type Interactions } from '../../../src/relay/auth/interactions.js';
import { AuthorizationServer } from '../../../src/relay/auth/server/authorization-server.js';
import { mountAuthorizationServer } from '../../../src/relay/auth/server/mount.js';
import { TokenVerifier } from '../../../src/relay/auth/token-verifier.js';
import type { LevelStore } from '../../../src/relay/store/level-store.js';
import { openStore } from '../../../src/relay/store/open.js';
import { Pages as WebPages } from '../../../src/relay/web/pages/pages.js';
import { loggerTo } from '../../helpers/logger.js';

/** Stands where the sign-in and consent pages are: whoever the header `x-user` names approves and signs in; `x-manage` ticks the box. */
@Controller('interaction/:uid')
class Pages {
  constructor(@Inject(INTERACTIONS) private readonly interactions: Interactions) {}

  @Get()
  async show(@Req() req: Request, @Res() res: Response): Promise<void> {
    await answering(res, async () => {
      res.json(await this.interactions.pending(req, res));
    });
  }

  @Post(':action')
  async act(@Req() req: Request, @Res() res: Response): Promise<void> {
    const { interactions } = this;
    const userId = req.get('x-user') ?? 'https://idp.example|alice';
    const manage = req.get('x-manage') === 'yes';
    await answering(res, async () => {
      if (req.params.action === 'deny') return interactions.deny(req, res);
      if (req.params.action === 'consent') {
        await interactions.approve(req, res, manage);
        res.json(await interactions.pending(req, res));
        return;
      }
      if (req.params.action === 'approve') await interactions.approve(req, res, manage);
      await interactions.finish(req, res, { userId, displayName: `Name of ${userId}` });
    });
  }
}

async function answering(res: Response, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof InteractionError)) throw error;
    res.status(400).json({ interaction: error.code });
  }
}

@Controller()
@UseGuards(BearerGuard)
class Endpoint {
  @All(['mcp', 'mcp/:device', 'mcp/:device/:server', 'ws'])
  who(@Req() req: Request): object {
    const { scopes, ...principal } = principalOf(req);
    return { ...principal, scopes: [...scopes] };
  }
}

@Controller('healthz')
class Health {
  @Get()
  ok(): object {
    return { ok: true };
  }
}

export interface TestRelay {
  readonly url: string;
  readonly dataDir: string;
  readonly store: LevelStore;
  readonly verifier: TokenVerifier;
  readonly server: AuthorizationServer;
  /** Every log line so far. */
  readonly log: readonly string[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestRelayOptions {
  readonly limits?: Partial<Limits>;
  /** Kept when the relay stops; absent: a new folder that goes with it. */
  readonly dataDir?: string;
  /** Absent: the address it listens on. */
  readonly issuerUrl?: string;
  readonly port?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** A relay reduced to its authorization: the real module, store and HTTP on a free port of 127.0.0.1. */
export async function startRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'relay-auth-')));
  const app = express();
  const http = createServer(app);
  const port = await listen(http, options.port ?? 0);
  const url = `http://127.0.0.1:${port}`;
  const limits = { ...limitDefaults, requestsPerMinute: 5000, tokensPerMinute: 5000, ...options.limits };
  const config: RelayConfig = { mode: 'relay', port, host: '127.0.0.1', dataDir, trustProxy: false, limits };
  const log: string[] = [];
  const store = await openStore(dataDir);
  const auth = AuthModule.register({
    config,
    store,
    logger: loggerTo((_level, message, fields = {}) => void log.push(`${message} ${JSON.stringify(fields)}`)),
    publicUrl: options.issuerUrl ?? url,
    renderDevicePage: (view) => new WebPages(url).render('device', 'Connect a machine', view),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });

  @Module({ imports: [auth], controllers: [Pages, Endpoint, Health] })
  class TestModule {}

  const nest = await NestFactory.create(TestModule, new ExpressAdapter(app), { logger: false, abortOnError: false });
  mountAuthorizationServer(app, nest.get(AuthorizationServer));
  await nest.init();
  const stop = async (): Promise<void> => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await nest.close();
    await store.close();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  return {
    url,
    dataDir,
    store,
    log,
    verifier: nest.get(TokenVerifier),
    server: nest.get(AuthorizationServer),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address() as AddressInfo;
      resolve(address.port);
    });
  });
}
