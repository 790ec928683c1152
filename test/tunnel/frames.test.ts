import { connect as connectTcp } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { encodeFrame, FrameType, HEADER_BYTES, NO_ID } from '../../src/protocol/frames.js';
import { AuthorizationServer } from '../../src/relay/auth/server/authorization-server.js';
import { connect, dial, type FakeAgent, HELLO } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

describe('frames', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ headerSeconds: 1 });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const open = async () => dial(rig, await rig.token('user'));
  const greeted = async () => (await connect(rig, 'user')).agent;

  test('no hello in time closes with 4408', async () => {
    expect(await (await open()).closed).toEqual({ code: 4408, reason: 'no hello' });
  });

  const BAD: [string, (agent: FakeAgent) => void][] = [
    ['text', (agent) => agent.socket.send('hello')],
    ['nothing', (agent) => agent.socket.send(Buffer.alloc(0))],
    ['half a header', (agent) => agent.socket.send(Buffer.alloc(HEADER_BYTES - 1, 1))],
    ['an unknown type', (agent) => agent.socket.send(Buffer.alloc(HEADER_BYTES, 99))],
    ["a relay's frame", (agent) => agent.send(FrameType.welcome, NO_ID, '{}')],
    ['flags of the future', (agent) => agent.socket.send(Buffer.from(`0102${NO_ID}7b7d`, 'hex'))],
    ['a catalog of no JSON', (agent) => agent.send(FrameType.catalog, NO_ID, '{')],
    ['a catalog of an array', (agent) => agent.send(FrameType.catalog, NO_ID, '[]')],
    ['a server name that is none', (agent) => agent.catalog('a__b', [])],
    ['a second hello', (agent) => agent.send(FrameType.hello, NO_ID, HELLO)],
    [
      'five catalogs begun',
      (agent) => {
        for (let n = 1; n < 6; n++) agent.send(FrameType.catalog, String(n).repeat(32), '{', true);
      },
    ],
  ];

  test.each(BAD)('%s closes the link with 4400', async (_what, send) => {
    const agent = await greeted();
    send(agent);
    expect(await agent.closed).toMatchObject({ code: 4400 });
  });

  test.each([
    ['no JSON', 'x'],
    ['no object', '7'],
    ['no versions', { ...HELLO, versions: undefined }],
    ['no machine', { ...HELLO, machine: '' }],
    ['a machine of 1 KiB', { ...HELLO, machine: 'm'.repeat(1024) }],
    ['a call id that is none', { ...HELLO, calls: ['../..'] }],
    ['a server of a state unknown', { ...HELLO, servers: [{ name: 'a', status: 'happy' }] }],
    ['a server name with a prototype', { ...HELLO, servers: [{ name: '__proto__', status: 'ready' }] }],
  ])('a hello of %s closes with 4400', async (_what, hello) => {
    const agent = await open();
    agent.send(FrameType.hello, NO_ID, hello);
    expect(await agent.closed).toMatchObject({ code: 4400 });
  });

  test('anything before hello closes with 4400', async () => {
    const agent = await open();
    agent.catalog('shell', []);
    expect(await agent.closed).toMatchObject({ code: 4400 });
  });

  test('a hello in several frames is fine', async () => {
    const agent = await open();
    const json = Buffer.from(JSON.stringify(HELLO));
    agent.send(FrameType.hello, NO_ID, json.subarray(0, 10), true);
    agent.send(FrameType.hello, NO_ID, json.subarray(10));
    await agent.next(FrameType.welcome);
    agent.socket.close();
  });

  test('a version we do not speak closes with 4426', async () => {
    const agent = await open();
    agent.send(FrameType.hello, NO_ID, { ...HELLO, versions: [7] });
    expect(await agent.closed).toMatchObject({ code: 4426 });
  });

  test('frames of calls nobody made are let go', async () => {
    const agent = await greeted();
    for (const type of [FrameType.event, FrameType.result, FrameType.error, FrameType.ask]) {
      agent.send(type, 'a'.repeat(32), '{}');
    }
    await agent.settled();
    expect(agent.socket.readyState).toBe(WebSocket.OPEN);
    agent.socket.close();
  });

  test('a frame over 1 MiB closes with 1009', async () => {
    const agent = await greeted();
    agent.socket.send(encodeFrame(FrameType.catalog, false, NO_ID, Buffer.alloc(1024 * 1024)));
    expect(await agent.closed).toMatchObject({ code: 1009 });
  });

  test('a header that claims 8 GiB closes at once', async () => {
    const agent = await greeted();
    rawSocket(agent).write(Buffer.from('82ff0000000200000000aabbccdd', 'hex'));
    expect(await agent.closed).toMatchObject({ code: 1009 });
  });

  test('a flood of tiny fragments closes the link', async () => {
    const agent = await greeted();
    for (let sent = 0; sent < 5000; sent++) agent.socket.send(Buffer.from('x'), { fin: false });
    expect(await agent.closed).toMatchObject({ code: 1008 });
  });

  test('an unmasked frame closes the link', async () => {
    const agent = await greeted();
    rawSocket(agent).write(Buffer.from('820101', 'hex'));
    expect(await agent.closed).toMatchObject({ code: 1002 });
  });

  test('random frames of every type close links at most, and never by a mistake of ours', async () => {
    const types = fc.constantFrom(...Object.values(FrameType), 0, 255);
    const ids = fc.constantFrom(NO_ID, 'a'.repeat(32));
    const bodies = fc.oneof(fc.json({ maxDepth: 2 }), fc.string(), fc.constant(JSON.stringify(HELLO)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(types, fc.nat(2), ids, bodies), { maxLength: 20 }),
        fc.boolean(),
        async (list, greet) => {
          const agent = greet ? (await connect(rig, 'fuzz', { instance: String(Math.random()) })).agent : await open();
          for (const [type, flags, id, body] of list) {
            agent.socket.send(Buffer.concat([Buffer.from([type, flags]), Buffer.from(id, 'hex'), Buffer.from(body)]));
          }
          agent.socket.close();
          expect((await agent.closed).code).not.toBe(1011);
        },
      ),
      { numRuns: 60 },
    );
    expect(rig.log.filter((line) => line.startsWith('error'))).toEqual([]);
    expect((await fetch(`${rig.origin}/readyz`)).status).toBe(200);
  });

  test('random frames of a call that runs end the call or the link, and never by a mistake of ours', async () => {
    const heads = fc.constantFrom(
      '{"ask":1,"method":"m"}',
      '{"ask":2,"method":"m"}',
      '{"ask":1,"gone":true}',
      '{"ask":-1}',
      '[]',
    );
    const question = fc.tuple(heads, fc.constantFrom('', '{}', '\n')).map(([head, params]) => {
      const body = Buffer.from(`0000${head}${params}`);
      body.writeUInt32BE(head.length, 0);
      return body;
    });
    const types = fc.constantFrom(FrameType.event, FrameType.ask, FrameType.ask, FrameType.result, FrameType.window);
    const bodies = fc.oneof(
      { weight: 3, arbitrary: question },
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b)),
    );
    const { agent, welcome } = await connect(rig, 'calls');
    let link = agent;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(types, fc.boolean(), bodies), { maxLength: 12 }), async (frames) => {
        if (link.socket.readyState !== WebSocket.OPEN) link = (await connect(rig, 'calls')).agent;
        const sink = new TestSink();
        const handle = rig.registry.call(
          { userId: 'calls', deviceId: welcome.device, server: 'shell' },
          request(),
          sink,
        );
        const { id } = await link.next(FrameType.call);
        for (const [type, more, body] of frames) link.send(type, id, body, more);
        for (const ask of sink.open.keys()) handle.answer(ask, 'result', Buffer.from('{}'));
        link.send(FrameType.goodbye, NO_ID, '');
        expect([1000, 4400]).toContain((await link.closed).code);
        handle.cancel('');
      }),
      { numRuns: 100 },
    );
    expect(rig.log.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('§7.39 the grant behind a device’s token is revoked: its link closes at once, and the token opens no other', async () => {
    const token = await rig.token('revoked', { grantId: 'grant-1' });
    const agent = await dial(rig, token);
    await agent.greet();
    await rig.relay.nest.get(AuthorizationServer, { strict: false }).revokeGrant('grant-1');
    expect(await agent.closed).toEqual({ code: 4401, reason: 'access was revoked' });
    expect(rig.registry.devices('revoked')).toEqual([]);
    await expect(dial(rig, token)).rejects.toMatchObject({ status: 401 });
  });

  test('a peer that resets in the middle of the upgrade harms nobody', async () => {
    const port = Number(new URL(rig.origin).port);
    for (let round = 0; round < 20; round++) {
      const socket = connectTcp(port, '127.0.0.1', () => {
        socket.write(
          `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
        );
        socket.resetAndDestroy();
      });
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.on('close', resolve));
    }
    const agent = await greeted();
    agent.socket.close();
    await agent.closed;
  });
});

/** The TCP socket under a link, to write what ws would not. */
function rawSocket(agent: FakeAgent): { write(bytes: Buffer): void } {
  const socket: unknown = Reflect.get(agent.socket, '_socket');
  if (typeof socket !== 'object' || socket === null || !('write' in socket)) throw new Error('no socket');
  return { write: (bytes) => void Reflect.apply(socket.write as () => void, socket, [bytes]) };
}

describe('heartbeats', () => {
  test('an agent that answers no ping is gone', async () => {
    await using rig = await startRig({ heartbeatSeconds: 0.05, pongSeconds: 0.1, resumeSeconds: 0 });
    const token = await rig.token('user');
    const socket = new WebSocket(`${rig.origin.replace('http', 'ws')}/ws`, 'mcp-tunnel.1', {
      headers: { authorization: `Bearer ${token}` },
      autoPong: false,
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(encodeFrame(FrameType.hello, false, NO_ID, Buffer.from(JSON.stringify(HELLO))));
    const code = await new Promise((resolve) => socket.once('close', resolve));
    expect(code).toBe(1006);
  });

  test('one that answers stays', async () => {
    await using rig = await startRig({ heartbeatSeconds: 0.02, pongSeconds: 0.5 });
    const { agent } = await connect(rig, 'user');
    for (let pings = 0; pings < 10; pings++) await new Promise((resolve) => agent.socket.once('ping', resolve));
    expect(agent.socket.readyState).toBe(WebSocket.OPEN);
  });
});
