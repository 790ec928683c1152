import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Express } from 'express';
import type { OidcLoginConfig, RelayConfig } from '../../../src/config/config.js';
import { limitDefaults } from '../../../src/config/limits.js';
import type { Logger } from '../../../src/log/logger.js';
import { SetupLink } from '../../../src/relay/auth/accounts/setup-link.js';
import {
  INTERACTIONS,
  InteractionError,
  type Interactions,
  type PendingAuthorization,
} from '../../../src/relay/auth/interactions.js';
import { CoreModule } from '../../../src/relay/core.module.js';
import type { Store } from '../../../src/relay/store/store.js';
import { WebModule } from '../../../src/relay/web/web.module.js';
import { loggerTo } from '../../helpers/logger.js';
import { MapStore } from './map-store.js';

type Client = PendingAuthorization['client'];
type Account = { readonly userId: string; readonly displayName: string };

/** How authorization requests ended, as the client saw it. */
interface Ended {
  readonly uid: string;
  readonly account?: Account;
  /** What the form said. */
  readonly manage?: boolean;
}

/**
 * The authorization server's side of the contract, in one process and without tokens: what the pages are given and how
 * they end. The real one is driven in relay-sign-in.test.ts.
 */
class TestInteractions implements Interactions {
  readonly ended: Ended[] = [];
  readonly #requests = new Map<
    string,
    { pending: PendingAuthorization; key: string; over: boolean; manage?: boolean }
  >();

  constructor(readonly redirectUri: () => string) {}

  /** Makes an authorization request and returns its address and cookie. */
  begin(change: Partial<Omit<PendingAuthorization, 'client'>> & { client?: Partial<Client> } = {}): {
    readonly uid: string;
    readonly cookie: string;
  } {
    const uid = randomUUID();
    const key = randomUUID();
    const pending: PendingAuthorization = {
      scopes: ['mcp'],
      manage: 'offered',
      resource: 'http://relay.invalid/mcp',
      consented: false,
      ...change,
      uid,
      client: {
        id: 'client-1',
        name: 'Test client',
        redirectUri: this.redirectUri(),
        redirectHost: '127.0.0.1',
        loopback: true,
        kind: 'registered',
        ...change.client,
      },
    };
    this.#requests.set(uid, { pending, key, over: false });
    return { uid, cookie: `interaction=${key}; Path=/interaction/${uid}; HttpOnly; SameSite=Lax` };
  }

  async pending(req: IncomingMessage): Promise<PendingAuthorization> {
    return this.#of(req).pending;
  }

  async approve(req: IncomingMessage, _res: ServerResponse, manage: boolean): Promise<void> {
    const request = this.#of(req);
    request.manage = manage;
    request.pending = { ...request.pending, consented: true };
  }

  async deny(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = this.#of(req);
    this.#end(request, res, { error: 'access_denied' });
    this.ended.push({ uid: request.pending.uid });
  }

  async finish(req: IncomingMessage, res: ServerResponse, account: Account): Promise<void> {
    const request = this.#of(req);
    if (!request.pending.consented) throw new InteractionError('not_approved');
    this.#end(request, res, { code: 'a-code' });
    this.ended.push({ uid: request.pending.uid, account, manage: request.manage });
  }

  #end(request: { pending: PendingAuthorization; over: boolean }, res: ServerResponse, query: Record<string, string>) {
    request.over = true;
    res.writeHead(303, { location: `${request.pending.client.redirectUri}?${new URLSearchParams(query)}` }).end();
  }

  #of(req: IncomingMessage) {
    const key = /(?:^|; )interaction=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
    const request = [...this.#requests.values()].find((one) => one.key === key);
    if (request === undefined) throw new InteractionError('missing');
    if (request.over) throw new InteractionError('expired');
    return request;
  }
}

@Module({})
class InteractionsModule {
  static of(interactions: Interactions): DynamicModule {
    return {
      module: InteractionsModule,
      providers: [{ provide: INTERACTIONS, useValue: interactions }],
      exports: [INTERACTIONS],
    };
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface WebRelay extends AsyncDisposable {
  readonly url: string;
  readonly interactions: TestInteractions;
  readonly store: Store;
  readonly log: LogLine[];
  readonly setupLink: SetupLink;
}

/** The pages on a port of their own, over the given store or an empty one. */
export async function startWeb(
  options: {
    auth?: Partial<OidcLoginConfig> & { issuer: string };
    store?: Store;
    signInsPerMinute?: number;
    trustProxy?: boolean;
  } = {},
): Promise<WebRelay> {
  const log: LogLine[] = [];
  const logger = logTo(log);
  const dataDir = await mkdtemp(join(tmpdir(), 'relay-'));
  const store = options.store ?? new MapStore();
  const { app, url, port, close } = await listenFirst();
  app.set('trust proxy', options.trustProxy ?? false);
  const interactions = new TestInteractions(() => `${url}/client`);
  const config: RelayConfig = {
    mode: 'relay',
    port,
    host: '127.0.0.1',
    dataDir,
    trustProxy: options.trustProxy ?? false,
    limits: {
      ...limitDefaults,
      requestsPerMinute: 10_000,
      signInsPerMinute: options.signInsPerMinute ?? 1000,
    },
    ...(options.auth === undefined
      ? {}
      : { auth: { clientId: 'mcp-local-tunnel', scopes: ['openid'], userClaim: 'sub', allow: {}, ...options.auth } }),
  };
  const nest = await NestFactory.create(
    {
      module: class WebTestModule {},
      imports: [
        CoreModule.of({ config, store, publicUrl: url, logger }),
        WebModule.of({ secret: randomBytes(32) }, [InteractionsModule.of(interactions)]),
      ],
    },
    new ExpressAdapter(app),
    { bodyParser: false, logger: false, abortOnError: false },
  );
  // Stands for the client and for /authorize.
  app.use('/client', (_req: IncomingMessage, res: ServerResponse) => void res.end('back at the client'));
  app.use('/begin', (req: IncomingMessage, res: ServerResponse) => {
    const account = /account=([^&]+)/.exec(req.url ?? '')?.[1];
    const made = interactions.begin(account === undefined ? {} : { account: { userId: 'x|1', displayName: account } });
    res.writeHead(303, { location: `/interaction/${made.uid}`, 'set-cookie': made.cookie }).end();
  });
  await nest.init();
  return {
    url,
    interactions,
    store,
    log,
    setupLink: nest.get(SetupLink, { strict: false }),
    [Symbol.asyncDispose]: async () => {
      await close();
      await nest.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Listens before there is an application: its public URL has the port in it. */
async function listenFirst(): Promise<{ app: Express; url: string; port: number; close(): Promise<void> }> {
  const app = express();
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { app, url: `http://127.0.0.1:${address.port}`, port: address.port, close };
}

export function logTo(log: LogLine[]): Logger {
  return loggerTo((level, message, fields) => void log.push({ level, message, fields }));
}
