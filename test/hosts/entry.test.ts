import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClaudeSession } from './claude.js';
import { hosts } from './hosts.js';
import { configureOpencode, OpencodeSession } from './opencode.js';
import { Place } from './place.js';
import { ancestors, running } from './processes.js';
import type { Running } from './running.js';
import { connect, startTunnel, type Tunnel } from './tunnel.js';

const waiting = { timeout: 40_000, interval: 100 };
const NAME = 'tunnel-agent';

interface Session {
  readonly running: Running;
  status(server: string): Promise<string | undefined>;
  leave(): Promise<void>;
}

const programs: [string, () => Promise<Session>][] = [
  ['opencode', () => OpencodeSession.start(place, 'project')],
  ['Claude Code', async () => new ClaudeSession(place, 'project')],
];

let place: Place;
let tunnel: Tunnel;
let client: Client;
let sessions: Session[] = [];

beforeAll(async () => {
  place = await Place.make();
  tunnel = await startTunnel(place);
  client = await connect(tunnel);
  await configureOpencode(place, 'project', { mcp: { [NAME]: { type: 'local', command: tunnel.agent } } });
  const added = await place.run('project', hosts.claude, [
    'mcp',
    'add',
    '--scope',
    'user',
    NAME,
    '--',
    ...tunnel.agent,
  ]);
  expect(added).toMatchObject({ status: 0 });
});

afterEach(async () => {
  // For the test after a failed one; else they have gone.
  for (const { running: host } of sessions) await host.sweep();
  sessions = [];
  await nothingLeft();
});

afterAll(async () => {
  await client?.close();
  // They outlive their host, so a failed test may leave them.
  for (const pid of [...(await daemons()), ...(await servers())]) process.kill(pid, 'SIGKILL');
  await place?.[Symbol.asyncDispose]();
});

const entries = () => running(tunnel.agent);
const daemons = () => running(tunnel.daemon);
const servers = () => running(tunnel.server);

async function nothingLeft(): Promise<void> {
  await expect.poll(async () => [await entries(), await daemons(), await servers()], waiting).toEqual([[], [], []]);
}

/** A host that says the entry is connected. */
async function begin(start: () => Promise<Session>): Promise<Session> {
  const session = await start();
  sessions.push(session);
  await expect.poll(() => session.status(NAME), waiting).toBe('connected');
  return session;
}

/** Its process id. */
async function onlyDaemon(): Promise<number> {
  await expect.poll(daemons, waiting).toHaveLength(1);
  const [pid] = await daemons();
  if (pid === undefined) throw new Error('the background agent has gone');
  return pid;
}

/** Calls the local server from outside, over the relay, as soon as its tools are there. */
async function callThroughRelay(): Promise<void> {
  const tools = async () => (await client.listTools()).tools.map(({ name }) => name);
  await expect.poll(tools, waiting).toContain('everything__echo');
  const { content } = await client.callTool({ name: 'everything__echo', arguments: { message: 'from afar' } });
  expect(content).toEqual([{ type: 'text', text: 'Echo: from afar' }]);
}

describe.each(programs)('%s with the agent as a local server', (_name, start) => {
  test('keeps one background agent, which neither its end nor its death takes along', async () => {
    const first = await begin(start);
    const daemon = await onlyDaemon();
    // Soon, not at once: the process in between goes when the agent has reported that it is up.
    const below = async (pid: number) => (await ancestors(daemon)).includes(pid);
    await expect.poll(() => below(first.running.pid), waiting).toBe(false);
    expect(await below(process.pid)).toBe(false);
    await callThroughRelay();
    expect(await servers()).toHaveLength(1);

    await first.leave();
    await expect.poll(entries, waiting).toEqual([]);
    expect(await daemons()).toEqual([daemon]);
    const second = await begin(start);
    expect(await daemons()).toEqual([daemon]);
    await callThroughRelay();

    await second.running.kill('SIGKILL');
    await expect.poll(entries, waiting).toEqual([]);
    expect(await daemons()).toEqual([daemon]);
    await nothingLeft();
  });
});

test('both at once share one background agent until the last has gone', async () => {
  const [opencode, claude] = await Promise.all(programs.map(([, start]) => begin(start)));
  if (opencode === undefined || claude === undefined) throw new Error('two programs');
  const daemon = await onlyDaemon();
  expect(await entries()).toHaveLength(2);
  await opencode.running.kill('SIGKILL');
  await expect.poll(entries, waiting).toHaveLength(1);
  await callThroughRelay();
  expect(await claude.status(NAME)).toBe('connected');
  expect(await daemons()).toEqual([daemon]);
  await claude.leave();
});

test('`opencode mcp list` and `claude mcp list` show it connected', async () => {
  expect(await place.run('project', hosts.opencode, ['mcp', 'list'])).toMatchObject({
    status: 0,
    output: expect.stringMatching(/✓ tunnel-agent connected/),
  });
  expect(await place.run('project', hosts.claude, ['mcp', 'list'])).toMatchObject({
    status: 0,
    output: expect.stringMatching(/^tunnel-agent: .* ✔ Connected$/m),
  });
  expect(await place.run('project', hosts.claude, ['mcp', 'get', NAME])).toMatchObject({
    status: 0,
    output: expect.stringContaining('✔ Connected'),
  });
});

test('Claude Code gives its model the state of the agent', async () => {
  const claude = new ClaudeSession(place, 'project');
  await begin(async () => claude);
  await callThroughRelay();
  expect(await claude.call(NAME, 'status', {})).toMatchObject({
    structuredContent: { online: true, device: 'laptop', servers: [{ name: 'everything', status: 'ready' }] },
  });
  expect(await claude.call(NAME, 'restart', { server: 'everything' })).toMatchObject({
    structuredContent: { servers: [{ name: 'everything', status: 'ready' }] },
  });
  await claude.leave();
});
