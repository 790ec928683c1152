import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { importJWK, SignJWT } from 'jose';
import { expect, it } from 'vitest';
import type { RelayConfig } from '../../src/config/config.js';
import { limitDefaults } from '../../src/config/limits.js';
import { AuthModule, RELAY_KEYS } from '../../src/relay/auth/auth.module.js';
import type { RelayKeys } from '../../src/relay/auth/keys.js';
import { CoreModule } from '../../src/relay/core.module.js';
import { McpModule } from '../../src/relay/mcp/mcp.module.js';
import { ErrorLog, MapStore } from './test-relay.js';

it('McpModule stands on CoreModule and AuthModule, with the real devices', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'mcp-module-'));
  const publicUrl = 'http://relay.test';
  const config: RelayConfig = {
    mode: 'relay',
    port: 0,
    host: '127.0.0.1',
    secret: randomBytes(32).toString('hex'),
    dataDir,
    trustProxy: false,
    limits: limitDefaults,
  };
  const core = { config, store: new MapStore(), publicUrl, logger: new ErrorLog() };

  @Module({
    imports: [
      CoreModule.of(core),
      AuthModule.register({ ...core, renderDevicePage: () => ({ html: '', headers: {} }) }),
      McpModule,
    ],
  })
  class Root {}

  const app = await NestFactory.create(Root, { logger: false, bodyParser: false, forceCloseConnections: true });
  try {
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/mcp`;
    const challenged = await fetch(url, { method: 'POST', headers: { Origin: 'https://app.example' } });
    expect(challenged.status).toBe(401);
    expect(challenged.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    expect((await fetch(url, { method: 'OPTIONS' })).status).toBe(204);

    const { signing } = app.get<RelayKeys>(RELAY_KEYS);
    const token = await new SignJWT({ scope: 'mcp', client_id: 'c', grant_id: 'g' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
      .setIssuer(publicUrl)
      .setAudience(`${publicUrl}/mcp`)
      .setSubject('u')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importJWK({ ...signing.privateJwk }, 'EdDSA'));
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const post = (message: object, more: Readonly<Record<string, string>> = {}) =>
      fetch(url, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
      });
    const initialized = await post({
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {} },
    });
    const session = { 'Mcp-Session-Id': initialized.headers.get('mcp-session-id') ?? '' };
    const status = await post({ method: 'tools/call', params: { name: 'status' } }, session);
    expect(await status.text()).toContain('npx -y mcp-local-tunnel agent');
    const listening = await fetch(url, { headers: { ...headers, ...session } });
    expect(listening.headers.get('content-type')).toBe('text/event-stream');
    await app.close();
    await listening.text().catch(() => '');
  } finally {
    await app.close();
    await rm(dataDir, { recursive: true });
  }
});
