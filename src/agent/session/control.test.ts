import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempConfig, tempConfig } from '../../../test/agent/login/temp-config.js';
import type { AgentConfig } from '../../config/config.js';
import { ensureStateDirs } from '../../config/paths.js';
import type { Agent, AgentSnapshot } from '../agent-types.js';
import { ServerError } from '../servers/types.js';
import { controlAddress, ensureControlAddress } from './control-address.js';
import { connectControl } from './control-client.js';
import { acquireInstance, type Instance } from './instance.js';

const SNAPSHOT: AgentSnapshot = {
  link: 'online',
  since: 1,
  relay: 'http://127.0.0.1:9',
  servers: [{ name: 'shell', kind: 'stdio', status: 'ready', since: 1, tools: 2, starts: 1 }],
  callsRunning: 0,
  version: '1.2.3',
  pid: 4,
};

/** An agent that answers what these tests ask of one. */
const AGENT: Agent = {
  run: async () => {},
  snapshot: () => SNAPSHOT,
  restart: async (server) => {
    if (server !== undefined && server !== 'shell') throw new ServerError('unknown_server', `no ${server}`, false);
    return SNAPSHOT.servers;
  },
  onChange: () => () => {},
};

let temp: TempConfig;
let config: AgentConfig;
let instance: Instance | undefined;

beforeEach(async () => {
  temp = await tempConfig(SNAPSHOT.relay);
  config = temp.config;
});

afterEach(async () => {
  await instance?.release();
  instance = undefined;
  await temp[Symbol.asyncDispose]();
});

async function visitor() {
  const client = await connectControl(config);
  if (client === undefined) throw new Error('nobody listens');
  return client;
}

/** A connection that speaks the protocol by hand. */
async function raw(): Promise<{ socket: Socket; say: (text: string) => void; answer: () => Promise<unknown> }> {
  const socket = connect((await controlAddress(config)) ?? '');
  await once(socket, 'connect');
  socket.on('error', () => {});
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  const answer = async () => JSON.parse((await lines.next()).value ?? 'null');
  return { socket, say: (text) => void socket.write(text), answer };
}

it.runIf(process.platform !== 'win32')(
  'is not looked for in a folder that somebody else may have planted',
  async () => {
    const before = process.env.TMPDIR;
    const root = config.stateDir;
    try {
      process.env.TMPDIR = root;
      const long = { ...config, stateDir: join(root, 'x'.repeat(120)) };
      expect(await connectControl(long)).toBeUndefined();
      await mkdir(join(root, 'theirs'));
      await symlink(join(root, 'theirs'), join(root, `mcp-local-tunnel-${process.getuid?.()}`));
      await expect(connectControl(long)).rejects.toMatchObject({ code: 'symlink' });
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  },
);

describe('the control socket', () => {
  it('answers status and restart once there is an agent', async () => {
    instance = await acquireInstance(config, { version: '1.2.3' });
    const client = await visitor();
    expect(await client.hello('visitor')).toMatchObject({
      version: '1.2.3',
      pid: process.pid,
      kind: 'foreground',
      stopping: false,
    });
    await expect(client.status()).rejects.toMatchObject({ code: 'starting' });
    instance.serve(AGENT);
    expect(await client.status()).toEqual(SNAPSHOT);
    expect(await client.restart('shell')).toEqual(SNAPSHOT.servers);
    await expect(client.restart('nope')).rejects.toMatchObject({ code: 'unknown_server', message: 'no nope' });
    client.close();
  });

  it('counts sessions and not visitors', async () => {
    instance = await acquireInstance(config, { kind: 'daemon' });
    const counts: number[] = [];
    const gone = new Promise<void>((resolve) => {
      instance?.onSessions((count) => {
        counts.push(count);
        if (counts.length > 1 && count === 0) resolve();
      });
    });
    const [session, other] = [await visitor(), await visitor()];
    await session.hello('session');
    await session.hello('session');
    await other.hello('visitor');
    other.close();
    session.close();
    await gone;
    expect(counts).toEqual([0, 1, 1, 0]);
  });

  it('ends a daemon on request, and no foreground agent', async () => {
    instance = await acquireInstance(config, { kind: 'daemon' });
    const client = await visitor();
    await client.stop();
    expect(instance.stopRequested.aborted).toBe(true);
    expect(await client.hello('visitor')).toMatchObject({ stopping: true });
    await instance.release();
    await client.closed;
    expect(await connectControl(config)).toBeUndefined();

    instance = await acquireInstance(config);
    const second = await visitor();
    await expect(second.stop()).rejects.toMatchObject({ code: 'refused' });
    expect(instance.stopRequested.aborted).toBe(false);
    second.close();
  });

  it.each(['hello\n', '{}\n', '[]\n', 'null\n', '{"id":"1","op":"ping"}\n', '{"id":1,"op":"restart","server":5}\n'])(
    'answers %j with bad_request and goes on',
    async (garbage) => {
      instance = await acquireInstance(config);
      const { socket, say, answer } = await raw();
      say(garbage);
      expect(await answer()).toMatchObject({ error: { code: 'bad_request' } });
      say('{"id":7,"op":"ping"}\n');
      expect(await answer()).toEqual({ id: 7, result: null });
      socket.destroy();
    },
  );

  it('hangs up on a line without an end', async () => {
    instance = await acquireInstance(config);
    const { socket, say } = await raw();
    say('x'.repeat(1024 * 1024 + 1));
    await once(socket, 'close');
    const client = await visitor();
    expect(await client.hello('visitor')).toMatchObject({ pid: process.pid });
    client.close();
  });

  it('is held by one of many that start at once, over what a killed one left', async () => {
    await ensureStateDirs(config);
    if (process.platform !== 'win32') await writeFile(await ensureControlAddress(config), '');
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => acquireInstance(config)));
    const held = all.filter(({ status }) => status === 'rejected');
    expect(held).toHaveLength(4);
    for (const result of all) if (result.status === 'fulfilled') instance = result.value;
    for (const result of held)
      expect(result).toMatchObject({ reason: { name: 'InstanceHeldError', pid: process.pid } });
  });
});
