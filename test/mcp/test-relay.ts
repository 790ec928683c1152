import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type MiddlewareConsumer, Module, type NestModule, RequestMethod } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { importJWK, SignJWT } from 'jose';
import type { Limits } from '../../src/config/config.js';
import { limitDefaults } from '../../src/config/limits.js';
import type { Logger } from '../../src/log/logger.js';
import { BearerGuard } from '../../src/relay/auth/bearer.guard.js';
import { deriveKeys } from '../../src/relay/auth/keys.js';
import { Resources } from '../../src/relay/auth/resources.js';
import { Revocations } from '../../src/relay/auth/revocations.js';
import { TokenVerifier } from '../../src/relay/auth/token-verifier.js';
import { Draining } from '../../src/relay/draining.js';
import { cors } from '../../src/relay/mcp/cors.js';
import { createEndpoint } from '../../src/relay/mcp/create-endpoint.js';
import { McpController } from '../../src/relay/mcp/mcp.controller.js';
import { McpEndpoint } from '../../src/relay/mcp/mcp-endpoint.js';
import type { PutOptions, Store } from '../../src/relay/store/store.js';
import { TestDevices } from './test-devices.js';

const PUBLIC_URL = 'http://relay.test';

/** The store's contract in a Map, without expiry. */
export class MapStore implements Store {
  readonly entries = new Map<string, unknown>();
  async get<T>(key: string): Promise<T | undefined> {
    return this.entries.get(key) as T | undefined;
  }

  async put(key: string, value: unknown, _options?: PutOptions): Promise<void> {
    this.entries.set(key, value);
  }

  async claim(key: string, value: unknown): Promise<boolean> {
    if (this.entries.has(key)) return false;
    this.entries.set(key, value);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.entries.delete(key);
  }

  async *list<T>(prefix: string): AsyncIterable<readonly [string, T]> {
    for (const [key, value] of this.entries) if (key.startsWith(prefix)) yield [key, value as T];
  }

  async healthy(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}
}

/** Keeps errors, so that a test can say that there were none. */
export class ErrorLog implements Logger {
  readonly errors: string[] = [];
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.errors.push(`${message} ${String(fields?.error)}`);
  }
  child(): Logger {
    return this;
  }
}

export interface TestRelayOptions {
  readonly limits?: Partial<Limits>;
  /** Of an earlier relay: this one is it, restarted. */
  readonly secret?: Uint8Array;
  readonly store?: Store;
  readonly devices?: TestDevices;
}

export interface TestRelay extends AsyncDisposable {
  readonly url: string;
  readonly devices: TestDevices;
  readonly store: Store;
  readonly secret: Uint8Array;
  readonly draining: Draining;
  readonly log: ErrorLog;
  readonly revocations: Revocations;
  /** An access token for /mcp, or the `path` below it; user `u1`, client `c1`, grant `g1`, scope `mcp` unless said otherwise. */
  token(of?: {
    user?: string;
    client?: string;
    grant?: string;
    seconds?: number;
    path?: string;
    scope?: string;
  }): Promise<string>;
}

/** /mcp in a Nest application on a port of its own: the real guard and endpoint, the devices in the test's hand. */
export async function startTestRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const secret = options.secret ?? randomBytes(32);
  const store = options.store ?? new MapStore();
  const devices = options.devices ?? new TestDevices();
  const keys = deriveKeys(secret);
  const log = new ErrorLog();
  const draining = new Draining();
  const revocations = await Revocations.load(store, 3600);
  const verifier = new TokenVerifier(new Resources(PUBLIC_URL), keys.signing, revocations);
  const endpoint = createEndpoint({
    limits: { ...limitDefaults, ...options.limits },
    devices,
    store,
    draining,
    logger: log,
    sealKey: keys.sealing,
    version: '0.0.1-test',
    onRevoked: (listener) => verifier.onRevoked(listener),
  });

  @Module({
    controllers: [McpController],
    providers: [
      { provide: McpEndpoint, useValue: endpoint },
      { provide: TokenVerifier, useValue: verifier },
      BearerGuard,
    ],
  })
  class TestModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer
        .apply(cors)
        .forRoutes({ path: 'mcp', method: RequestMethod.ALL }, { path: 'mcp/*path', method: RequestMethod.ALL });
    }
  }

  const app = await NestFactory.create<NestExpressApplication>(TestModule, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const key = await importJWK({ ...keys.signing.privateJwk }, 'EdDSA');
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    devices,
    store,
    secret,
    draining,
    log,
    revocations,
    token: ({ user = 'u1', client = 'c1', grant = 'g1', seconds = 3600, path = '', scope = 'mcp' } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ scope, client_id: client, grant_id: grant })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
        .setIssuer(PUBLIC_URL)
        .setAudience(`${PUBLIC_URL}/mcp${path}`)
        .setSubject(user)
        .setIssuedAt(now)
        .setExpirationTime(now + seconds)
        .sign(key);
    },
    [Symbol.asyncDispose]: async () => {
      endpoint.close();
      await app.close();
    },
  };
}
