import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { FrameType } from '../../src/protocol/frames.js';
import { decodeDrain } from '../../src/protocol/messages.js';
import { createRelay, runRelay } from '../../src/relay/relay.js';
import { loggerTo } from '../helpers/logger.js';
import { connect, dial } from './fake-agent.js';
import { startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

describe('the end', () => {
  test('running calls finish, new ones and new links are refused, agents are told', async () => {
    await using rig = await startRig({ drainSeconds: 20 });
    const { agent, welcome } = await connect(rig, 'user');
    const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
    const running = new TestSink();
    rig.registry.call(target, request(), running);
    const { id } = await agent.next(FrameType.call);
    const closed = rig.relay.close();
    expect(decodeDrain((await agent.next(FrameType.drain)).body).afterMs).toBeGreaterThan(0);
    const late = new TestSink();
    rig.registry.call(target, request(), late);
    expect(await late.failure()).toMatchObject({ code: 'draining', dispatched: false });
    await expect(dial(rig, await rig.token('user'))).rejects.toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
    });
    expect((await fetch(`${rig.origin}/readyz`)).status).toBe(503);
    expect((await fetch(`${rig.origin}/healthz`)).status).toBe(200);
    agent.send(FrameType.result, id, '{"done":true}');
    expect(await running.answer()).toBe('{"done":true}');
    expect(await agent.closed).toMatchObject({ code: 1012 });
    await closed;
    await expect(fetch(`${rig.origin}/healthz`)).rejects.toThrow();
  });

  test('calls that do not finish fail when the time is over', async () => {
    await using rig = await startRig({ drainSeconds: 0.1 });
    const { agent, welcome } = await connect(rig, 'user');
    const sink = new TestSink();
    rig.registry.call({ userId: 'user', deviceId: welcome.device, server: 'shell' }, request(), sink);
    await agent.next(FrameType.call);
    await rig.relay.close();
    expect(await sink.failure()).toMatchObject({ code: 'draining', dispatched: true });
  });

  test('calls that wait for a place are refused, not left waiting', async () => {
    await using rig = await startRig({ callsPerDevice: 1, queueSeconds: 60 });
    const { agent, welcome } = await connect(rig, 'user');
    const target = { userId: 'user', deviceId: welcome.device, server: 'shell' };
    rig.registry.call(target, request(), new TestSink());
    await agent.next(FrameType.call);
    const waiting = new TestSink();
    rig.registry.call(target, request(), waiting);
    await rig.relay.close();
    expect(await waiting.failure()).toMatchObject({ code: 'draining', dispatched: false });
  });

  test('runRelay ends with its signal, also one that came before', async () => {
    await using rig = await startRig();
    const config = { ...rig.config, port: 0, dataDir: `${rig.config.dataDir}-run` };
    await runRelay(config, { signal: AbortSignal.abort(), logger: loggerTo() });
    const abort = new AbortController();
    await runRelay(config, { signal: abort.signal, logger: loggerTo(), onListening: () => abort.abort() });
  });
});

describe('the start', () => {
  test('a taken port, a foreign host and a used folder are told apart', async () => {
    await using rig = await startRig();
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as AddressInfo;
    const create = (change: object) => createRelay({ ...rig.config, port: 0, ...change }, { logger: loggerTo() });
    await expect(create({ port })).rejects.toMatchObject({ name: 'ListenError', code: 'port_taken' });
    await expect(create({ host: '203.0.113.7' })).rejects.toMatchObject({ name: 'ListenError', code: 'bad_host' });
    await expect(create({})).rejects.toMatchObject({ name: 'StoreError', code: 'locked' });
    blocker.close();
  });

  test('gives the owner a set-up link', async () => {
    await using rig = await startRig();
    expect(rig.relay.setupUrl).toMatch(/^http:\/\/localhost:\d+\/setup#/);
  });
});

describe('every answer', () => {
  test('comes only for the right Host and Origin, with the headers', async () => {
    await using rig = await startRig({}, { issuerUrl: 'https://relay.example.com' });
    const get = (headers: Record<string, string>, path = '/') => raw(rig.relay.port, path, headers);
    expect((await get({ host: 'relay.example.com' })).status).toBe(200);
    expect((await get({ host: 'RELAY.example.com:443' })).status).toBe(200);
    for (const host of [
      'localhost',
      '127.0.0.1',
      'evil.example',
      'relay.example.com:444',
      'relay.example.com.',
      'a/b',
      '',
    ]) {
      expect((await get({ host })).status, host).toBe(421);
    }
    expect((await get({ host: 'relay.example.com', 'x-forwarded-host': 'evil.example' })).status).toBe(200);
    expect((await get({ host: 'evil.example', 'x-forwarded-host': 'relay.example.com' })).status).toBe(421);
    const host = 'relay.example.com';
    expect((await get({ host, origin: 'https://relay.example.com' })).status).toBe(200);
    for (const origin of ['https://evil.example', 'null', 'http://relay.example.com', 'http://localhost:3000']) {
      expect((await get({ host, origin })).status, origin).toBe(403);
    }
    const metadata = '/.well-known/oauth-authorization-server';
    expect((await get({ host, origin: 'https://other.example' }, metadata)).status).toBe(200);
    for (const path of ['/healthz', '/readyz']) expect((await get({ host: '10.0.0.7' }, path)).status).toBe(200);
    const { headers } = await get({ host }, '/nowhere');
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
  });

  test('behind a trusted proxy the forwarded host counts', async () => {
    await using rig = await startRig({}, { issuerUrl: 'https://relay.example.com', trustProxy: 'loopback' });
    const headers = { host: '127.0.0.1:3000', 'x-forwarded-host': 'relay.example.com' };
    expect((await raw(rig.relay.port, '/', headers)).status).toBe(200);
  });

  test('an address has so many connections and no more', async () => {
    await using rig = await startRig({ connectionsPerAddress: 2 });
    await connect(rig, 'user', { machine: 'a' });
    const { agent } = await connect(rig, 'user', { machine: 'b' });
    await expect(connect(rig, 'user', { machine: 'c' })).rejects.toThrow();
    agent.socket.terminate();
    await rig.logged('link closed');
    await connect(rig, 'user', { machine: 'c' });
  });
});

/** A GET with exactly these headers; fetch writes its own Host. */
async function raw(port: number, path: string, headers: Record<string, string>) {
  const { request: httpRequest } = await import('node:http');
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const req = httpRequest({ port, host: '127.0.0.1', path, headers }, (res) => {
      res.resume();
      resolve({ status: res.statusCode ?? 0, headers: res.headers });
    });
    req.on('error', reject);
    req.end();
  });
}
