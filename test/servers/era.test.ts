import { copyFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROBE_MS } from '../../src/agent/servers/era/probed-transport.js';
import { atEnd, fixture, harness, http, logged, ready, scripted, TestClock, tempFolder } from './harness.js';
import { HttpFixture } from './http-fixture.js';
import { modern, sdkOverHttp, sdkOverStdio } from './modern-harness.js';

const DAY_MS = 24 * 60 * 60_000;
const methods = async (log: string) => (await logged(log)).map(({ method }) => method);

describe('§7.32 the probe of a stdio server', () => {
  it('finds a modern one', async () => {
    const { servers } = await ready({ one: sdkOverStdio() });
    expect(servers.states()[0]).toMatchObject({ status: 'ready', protocolVersion: '2026-07-28' });
    expect(servers.offer('one')).toMatchObject({
      era: 'modern',
      serverInfo: { name: 'everything' },
      instructions: 'Ask the fixture for anything.',
    });
  });

  it('takes the newer era of one that speaks both', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers } = await ready({ one: modern({ legacyToo: true, log }) });
    expect(servers.offer('one')?.era).toBe('modern');
    expect(await methods(log)).not.toContain('initialize');
  });

  it('finds a legacy one by its error', async () => {
    const { servers } = await ready({ one: scripted() });
    expect(servers.offer('one')).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' });
  });

  it('finds a legacy one by its silence, in the same process', async () => {
    const clock = new TestClock();
    const log = join(await tempFolder(), 'log');
    const { servers, state } = harness({ one: scripted({ onProbe: 'ignore', log }) }, { clock });
    servers.start();
    await expect.poll(() => clock.waiting.some(({ ms }) => ms === PROBE_MS), { timeout: 10_000 }).toBe(true);
    clock.fire(PROBE_MS);
    expect(await state(({ status }) => status === 'ready')).toMatchObject({ protocolVersion: '2025-11-25', starts: 1 });
    expect((await methods(log)).slice(0, 2)).toEqual(['server/discover', 'initialize']);
  });

  it('finds a legacy one by its end, and starts it again', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers, states } = await ready({ one: scripted({ onProbe: 'exit', log }) });
    expect(servers.offer('one')?.era).toBe('legacy');
    expect(states.map(({ status }) => status)).not.toContain('failed');
    expect((await methods(log)).slice(0, 2)).toEqual(['server/discover', 'initialize']);
  });

  it('believes a modern one that was only slow to start', async () => {
    const clock = new TestClock();
    const { servers, state } = harness({ one: modern({ late: true }) }, { clock });
    servers.start();
    await expect.poll(() => clock.waiting.some(({ ms }) => ms === PROBE_MS), { timeout: 10_000 }).toBe(true);
    clock.fire(PROBE_MS);
    await state(({ status }) => status === 'ready');
    expect(servers.offer('one')).toMatchObject({ era: 'modern', tools: [{ name: 'wire' }] });
  });

  it('picks a revision of those that a server names', async () => {
    const { servers } = await ready({ one: modern({ supported: ['2027-01-01', '2025-11-25'], legacyToo: true }) });
    expect(servers.offer('one')).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' });
  });

  it('says so when there is none', async () => {
    const { states } = await ready({ one: modern({ supported: ['2027-01-01'] }) });
    expect(states.find(({ status }) => status === 'failed')).toMatchObject({
      reason: 'bad_protocol',
      problem: expect.stringContaining('speaks MCP 2027-01-01, this agent speaks 2026-07-28, 2025-11-25'),
    });
  });

  it('is left out where the config names the era', async () => {
    const log = join(await tempFolder(), 'log');
    const { servers, states } = await ready({
      old: modern({ legacyToo: true, log }, { era: 'legacy' }),
      new: scripted({}, { era: 'modern' }),
    });
    expect(servers.offer('old')?.era).toBe('legacy');
    expect(await methods(log)).not.toContain('server/discover');
    expect(states.find(({ status }) => status === 'failed')).toMatchObject({
      name: 'new',
      problem: expect.stringContaining('does not speak MCP 2026-07-28: leave "era" out'),
    });
  });
});

describe('§7.32 a verdict', () => {
  it('is kept for a day, without a word of the config', async () => {
    const folder = await tempFolder();
    const eraFile = join(folder, 'eras.json');
    const log = join(folder, 'log');
    const config = { one: scripted({ onProbe: 'exit', log }, { env: { TOKEN: 'a-secret' } }) };
    const clock = new TestClock();
    const start = async () => {
      await writeFile(log, '');
      const { servers } = await ready(config, { eraFile, clock });
      await servers.close();
      return (await methods(log))[0];
    };
    expect(await start()).toBe('server/discover');
    expect(await start()).toBe('initialize');
    clock.offset += DAY_MS;
    expect(await start()).toBe('server/discover');
    const text = await readFile(eraFile, 'utf8');
    expect(text).not.toMatch(/a-secret|TOKEN|node|stdio-server/);
    expect(Object.keys(JSON.parse(text).verdicts)).toHaveLength(1);
  });

  it('is none about a changed program', async () => {
    const folder = await tempFolder();
    const eraFile = join(folder, 'eras.json');
    const program = join(folder, 'server.mjs');
    const config = { one: { command: [process.execPath, program] as const, env: {}, disabled: false } };
    await copyFile(fixture('stdio-server.mjs'), program);
    const first = await ready(config, { eraFile });
    expect(first.servers.offer('one')?.era).toBe('legacy');
    await first.servers.close();
    await copyFile(fixture('modern-server.mjs'), program);
    await utimes(program, new Date(), new Date());
    const second = await ready(config, { eraFile });
    expect(second.servers.offer('one')?.era).toBe('modern');
  });

  /** Starts it once, and has its verdict say the other era. */
  const misjudged = async (config: Parameters<typeof ready>[0], era: string) => {
    const eraFile = join(await tempFolder(), 'eras.json');
    const { servers } = await ready(config, { eraFile });
    await servers.close();
    const { salt, verdicts } = JSON.parse(await readFile(eraFile, 'utf8'));
    for (const key of Object.keys(verdicts)) verdicts[key].era = era;
    await writeFile(eraFile, JSON.stringify({ salt, verdicts }));
    const found = async () => {
      const all: { era: string }[] = Object.values(JSON.parse(await readFile(eraFile, 'utf8')).verdicts);
      return all.map((verdict) => verdict.era);
    };
    return { eraFile, found };
  };

  it('is no reason to ask a server so that has lost the newer era', async () => {
    const config = { one: scripted() };
    const { eraFile, found } = await misjudged(config, 'modern');
    const { servers, states } = await ready(config, { eraFile });
    expect(servers.offer('one')?.era).toBe('legacy');
    expect(states.map(({ status }) => status)).not.toContain('failed');
    expect(await found()).toEqual(['legacy']);
  });

  it('is no reason to ask a server so that has lost the older era', async () => {
    const config = { one: modern() };
    const { eraFile, found } = await misjudged(config, 'legacy');
    const { state, servers } = await ready(config, { eraFile, random: () => 0 });
    await state(({ status }) => status === 'ready');
    expect(servers.states()[0]).toMatchObject({ starts: 2, protocolVersion: '2026-07-28' });
    expect(await found()).toEqual(['modern']);
  });

  it('of a file that cannot be read or written costs a probe', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'eras.json'), '{"verdicts":[');
    const read = await ready({ one: scripted() }, { eraFile: join(folder, 'eras.json') });
    expect(read.servers.states()[0]?.status).toBe('ready');
    const write = await ready({ one: scripted() }, { eraFile: join(folder, 'none', 'eras.json') });
    expect(write.servers.states()[0]?.status).toBe('ready');
  });
});

describe('§7.32 the probe of an HTTP server', () => {
  const start = async () => {
    const server = await HttpFixture.start();
    atEnd(() => server.close());
    return server;
  };

  it('finds a modern one', async () => {
    const { servers } = await ready({ one: await sdkOverHttp() });
    expect(servers.states()[0]).toMatchObject({ status: 'ready', protocolVersion: '2026-07-28' });
    expect(servers.offer('one')?.era).toBe('modern');
  });

  it.each([400, 404, 405])('takes %i without a modern error for the older era', async (status) => {
    const server = await start();
    server.intercept = (message, _request, response) => {
      if (message.method !== 'server/discover') return false;
      response.writeHead(status).end('no');
      return true;
    };
    const { servers } = await ready({ one: http(server.url) });
    expect(servers.offer('one')).toMatchObject({ era: 'legacy', protocolVersion: '2025-06-18' });
  });

  it('takes an error that names the older revisions for a hint', async () => {
    const server = await start();
    server.intercept = (message, _request, response) => {
      if (message.method !== 'server/discover') return false;
      const error = { code: -32022, message: 'no', data: { supported: ['2025-06-18'], requested: '2026-07-28' } };
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
      return true;
    };
    const { servers } = await ready({ one: http(server.url) });
    expect(servers.offer('one')).toMatchObject({ era: 'legacy', protocolVersion: '2025-06-18' });
  });

  it('does not fall back from a modern error', async () => {
    const server = await start();
    server.intercept = (_message, _request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32020, message: 'Mcp-Method' } }));
      return true;
    };
    const { states } = await ready({ one: http(server.url) });
    expect(server.posts('initialize')).toEqual([]);
    expect(states.find(({ status }) => status === 'failed')).toMatchObject({ reason: 'bad_protocol' });
  });

  it.each([
    [401, 'not_allowed', 'check "headers"'],
    [403, 'not_allowed', 'check "headers"'],
    [503, 'bad_protocol', 'HTTP 503'],
  ])('takes %i for no evidence', async (status, reason, problem) => {
    const server = await start();
    server.intercept = (_message, _request, response) => {
      response.writeHead(status).end('no');
      return true;
    };
    const { states } = await ready({ one: http(server.url) });
    expect(server.seen.map(({ method, body }) => [method, JSON.parse(body).method])).toEqual([
      ['POST', 'server/discover'],
    ]);
    expect(states.find((state) => state.status === 'failed')).toMatchObject({
      reason,
      problem: expect.stringContaining(problem),
    });
  });
});
