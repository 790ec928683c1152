import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import type { Limits, RelayConfig } from '../../src/config/config.js';
import { limitDefaults } from '../../src/config/limits.js';
import type { Logger } from '../../src/log/logger.js';
import { deriveKeys } from '../../src/relay/auth/keys.js';
import { DeviceRegistry } from '../../src/relay/devices/device-registry.js';
import { createRelay, type Relay } from '../../src/relay/relay.js';
import { relaySecret } from '../../src/relay/store/secret.js';
import { loggerTo } from '../helpers/logger.js';

export interface TokenOptions {
  readonly scope?: string;
  /** Path of the resource the token is for. */
  readonly path?: string;
  readonly seconds?: number;
  readonly grantId?: string;
  readonly clientId?: string;
}

export interface Rig extends AsyncDisposable {
  readonly relay: Relay;
  readonly registry: DeviceRegistry;
  readonly config: RelayConfig;
  /** http://127.0.0.1:<port> */
  readonly origin: string;
  readonly log: readonly string[];
  /** Resolves once this many lines with this text have been logged. */
  logged(text: string, times?: number): Promise<void>;
  /** A token as the relay's own authorization server makes them. */
  token(userId: string, options?: TokenOptions): Promise<string>;
  /** Stops the relay and starts another on the same folder. */
  restart(): Promise<Rig>;
}

/** A whole relay on a free port of 127.0.0.1, with a folder of its own. */
export async function startRig(limits: Partial<Limits> = {}, change: Partial<RelayConfig> = {}): Promise<Rig> {
  const dataDir = change.dataDir ?? (await mkdtemp(join(tmpdir(), 'tunnel-')));
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const wake = () => {
    for (const waiter of waiting.splice(0)) waiter();
  };
  const base = {
    mode: 'relay' as const,
    port: 0,
    host: '127.0.0.1',
    trustProxy: false,
    limits: { ...limitDefaults, drainSeconds: 0, ...limits },
  };
  const config: RelayConfig = { ...base, ...change, dataDir };
  const relay = await createRelay(config, { logger: logTo(log, wake) });
  const { signing } = deriveKeys(await relaySecret(config));
  const rig: Rig = {
    relay,
    registry: relay.nest.get(DeviceRegistry, { strict: false }),
    config,
    origin: `http://127.0.0.1:${relay.port}`,
    log,
    logged: async (text, times = 1) => {
      while (log.filter((line) => line.includes(text)).length < times) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    token: async (userId, { scope = 'tunnel', path = '/ws', seconds = 600, grantId, clientId = 'agent' } = {}) =>
      new SignJWT({ scope, client_id: clientId, grant_id: grantId ?? randomBytes(8).toString('hex') })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: signing.kid })
        .setIssuer(relay.publicUrl)
        .setSubject(userId)
        .setAudience(`${relay.publicUrl}${path}`)
        .setIssuedAt()
        .setExpirationTime(new Date(Date.now() + seconds * 1000))
        .sign(await importJWK(signing.privateJwk, 'EdDSA')),
    restart: async () => {
      await relay.close();
      return startRig(limits, { ...change, dataDir, port: relay.port });
    },
    [Symbol.asyncDispose]: async () => {
      await relay.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return rig;
}

function logTo(lines: string[], wake: () => void): Logger {
  return loggerTo((level, message, fields = {}) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    wake();
  });
}
