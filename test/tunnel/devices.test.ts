import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { FrameType, NO_ID } from '../../src/protocol/frames.js';
import { connect, dial, HELLO } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';
import { request, TestSink } from './sink.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const start = async (limits: Partial<Limits> = {}) => {
  rig = await startRig(limits);
};
const names = (user = 'user') => rig.registry.tools(user).tools.map((tool) => tool.exposedName);

describe('names of devices', () => {
  test('a second machine with the same name gets the next number, and keeps it', async () => {
    await start();
    const first = await connect(rig, 'user', { machine: 'a' });
    const second = await connect(rig, 'user', { machine: 'b' });
    expect([first.welcome.name, second.welcome.name]).toEqual(['laptop', 'laptop-2']);
    // The first is only remembered now; its name is still its own.
    first.agent.send(FrameType.goodbye, NO_ID, '');
    await first.agent.closed;
    const again = await connect(rig, 'user', { machine: 'b', instance: 'other' });
    expect(again.welcome).toMatchObject({ name: 'laptop-2', device: second.welcome.device });
    expect((await connect(rig, 'user', { machine: 'c' })).welcome.name).toBe('laptop-3');
    expect((await connect(rig, 'other', { machine: 'a' })).welcome.name).toBe('laptop');
  });

  test('they outlive the relay', async () => {
    await start();
    await connect(rig, 'user', { machine: 'a' });
    const second = await connect(rig, 'user', { machine: 'b' });
    rig = await rig.restart();
    const { welcome } = await connect(rig, 'user', { machine: 'b' });
    expect(welcome).toMatchObject({ name: 'laptop-2', device: second.welcome.device });
  });

  test('another wish is granted, and a name that is none is made one', async () => {
    await start();
    await connect(rig, 'user', { name: 'laptop' });
    expect((await connect(rig, 'user', { name: 'desk' })).welcome.name).toBe('desk');
    expect((await connect(rig, 'user', { machine: 'x', name: '<b>\u202eЖ' })).welcome.name).toBe('b');
  });

  test('over devicesPerUser a link is closed with 4429, and the others stay', async () => {
    await start({ devicesPerUser: 2 });
    await connect(rig, 'user', { machine: 'a' });
    const { agent } = await connect(rig, 'user', { machine: 'b' });
    const third = await dial(rig, await rig.token('user'));
    third.send(FrameType.hello, NO_ID, { ...HELLO, machine: 'c' });
    expect(await third.closed).toMatchObject({
      code: 4429,
      reason: '2 devices are connected, the limit: stop one first',
    });
    expect(rig.registry.devices('user')).toHaveLength(2);
    // One that has dropped off gives way.
    agent.socket.terminate();
    await rig.logged('link closed', 1);
    await new Promise<void>((resolve) => {
      if (rig.registry.devices('user').some((device) => device.presence === 'away')) resolve();
      rig.registry.onChange('user', () => resolve());
    });
    expect((await connect(rig, 'user', { machine: 'c' })).welcome.name).toBe('laptop-3');
  });
});

describe('tools', () => {
  test('are listed in byte order under short names with one device, every field kept', async () => {
    await start();
    const { agent, welcome } = await connect(rig, 'user');
    agent.catalog('shell', ['run', 'Zip', 'a.b', 'run']);
    await agent.settled();
    expect(names()).toEqual(['shell__Zip', expect.stringMatching(/^shell__a_b_[a-z2-7]{6}$/), 'shell__run']);
    expect(rig.registry.tools('user').tools[2]).toEqual({
      exposedName: 'shell__run',
      target: { userId: 'user', deviceId: welcome.device, server: 'shell' },
      deviceName: 'laptop',
      toolName: 'run',
      tool: { name: 'run', inputSchema: { type: 'object' }, 'x-kept': true },
      fit: true,
    });
    expect(rig.registry.tools('user')).toBe(rig.registry.tools('user'));
    expect(rig.registry.tools('stranger').tools).toEqual([]);
  });

  test('§7.26 both forms are accepted, with one device and with several', async () => {
    await start();
    const { agent: first } = await connect(rig, 'user', { machine: 'a', name: 'laptop' });
    first.catalog('shell', ['run', 'only-here']);
    await first.settled();
    const resolve = (name: string) => rig.registry.resolve('user', name);
    expect(resolve('shell__run')).toMatchObject({ kind: 'found', tool: { exposedName: 'shell__run' } });
    expect(resolve('laptop__shell__run')).toMatchObject({ kind: 'found', tool: { exposedName: 'shell__run' } });
    expect(resolve('shell__nope')).toEqual({ kind: 'unknown' });
    expect(resolve('constructor')).toEqual({ kind: 'unknown' });

    const { agent: second } = await connect(rig, 'user', { machine: 'b', name: 'desk' });
    second.catalog('shell', ['run']);
    await second.settled();
    expect(names()).toEqual(['desk__shell__run', 'laptop__shell__only-here', 'laptop__shell__run']);
    expect(resolve('shell__only-here')).toMatchObject({ kind: 'found', tool: { deviceName: 'laptop' } });
    expect(resolve('shell__run')).toEqual({
      kind: 'ambiguous',
      candidates: ['desk__shell__run', 'laptop__shell__run'],
    });
  });

  test('of one device are named and found as if it were alone', async () => {
    await start();
    const { agent: first, welcome } = await connect(rig, 'user', { machine: 'a', name: 'laptop' });
    first.catalog('shell', ['run', 'only-here']);
    await first.settled();
    const { agent: second } = await connect(rig, 'user', { machine: 'b', name: 'desk' });
    second.catalog('shell', ['run']);
    await second.settled();
    const { device } = welcome;
    const list = rig.registry.tools('user', device);
    expect(list.tools.map((tool) => tool.exposedName)).toEqual(['shell__only-here', 'shell__run']);
    expect(rig.registry.tools('user', device)).toBe(list);
    const resolve = (name: string) => rig.registry.resolve('user', name, device);
    for (const name of ['shell__run', 'laptop__shell__run']) {
      expect(resolve(name)).toMatchObject({ kind: 'found', tool: { target: { deviceId: device } } });
    }
    expect(resolve('desk__shell__run')).toEqual({ kind: 'unknown' });
    // Another device's change is none of its own; its own is.
    second.catalog('shell', ['run', 'more']);
    await second.settled();
    expect(rig.registry.tools('user', device).revision).toBe(list.revision);
    first.catalog('shell', ['run']);
    await first.settled();
    expect(rig.registry.tools('user', device).revision).not.toBe(list.revision);
    expect(rig.registry.tools('stranger', device).tools).toEqual([]);
    expect(rig.registry.tools('user', 'none').tools).toEqual([]);
  });

  test('of a server that restarts stay listed; of one that is stopped they go', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    agent.catalog('shell', ['run']);
    agent.catalog('shell', [], { status: 'failed', offer: undefined });
    await agent.settled();
    expect(names()).toEqual(['shell__run']);
    expect(rig.registry.devices('user')[0]?.servers).toMatchObject([{ name: 'shell', status: 'failed' }]);
    agent.catalog('shell', [], { status: 'disabled', offer: undefined });
    await agent.settled();
    expect(names()).toEqual([]);
  });

  test('of a server that is not ready: the reason is shown, by known words only, and goes when it is ready', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    const server = () => rig.registry.devices('user')[0]?.servers[0];
    agent.catalog('shell', [], { status: 'failed', reason: 'not_found', offer: undefined });
    await agent.settled();
    expect(server()).toMatchObject({ status: 'failed', reason: 'not_found' });
    // The same state for another reason; then a word of a newer agent.
    agent.catalog('shell', [], { status: 'failed', reason: 'exited', offer: undefined });
    await agent.settled();
    expect(server()).toMatchObject({ status: 'failed', reason: 'exited' });
    agent.send(FrameType.catalog, 'a'.repeat(32), {
      seq: 1_000_000,
      server: 'shell',
      status: 'waiting',
      reason: 'stderr: no license',
    });
    await agent.settled();
    expect(server()).toMatchObject({ status: 'waiting' });
    expect(server()).not.toHaveProperty('reason');
    agent.catalog('shell', ['run'], { seq: 1_000_001 });
    await agent.settled();
    expect(server()).not.toHaveProperty('reason');
  });

  test('an older catalog that arrives late does not count', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    agent.catalog('shell', ['new'], { seq: 1000 });
    agent.catalog('shell', ['old'], { seq: 999 });
    await agent.settled();
    expect(names()).toEqual(['shell__new']);
  });

  test('another start of the agent without a server takes its tools away', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    agent.catalog('shell', ['run']);
    await agent.settled();
    await connect(rig, 'user', { instance: 'other', servers: [{ name: 'files', status: 'starting' }] });
    expect(names()).toEqual([]);
  });

  test('over toolsPerUser the rest is counted', async () => {
    await start({ toolsPerUser: 3 });
    const { agent } = await connect(rig, 'user');
    agent.catalog('shell', ['a', 'b', 'c', 'd', 'e']);
    await agent.settled();
    expect(names()).toEqual(['shell__a', 'shell__b', 'shell__c']);
    expect(rig.registry.tools('user').omitted).toBe(2);
  });

  test('too deep to be written out again are left out', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const offer = `{"protocolVersion":"1","serverInfo":${deep},"capabilities":{},"tools":[{"name":"ok"},{"name":"bad","x":${deep}}]}`;
    const body = `{"seq":1,"server":"shell","status":"ready","offer":${offer}}`;
    agent.message(FrameType.catalog, 'e'.repeat(32), Buffer.from(body));
    await agent.settled();
    expect(names()).toEqual(['shell__ok']);
  });

  test('and devices are remembered over a restart of the relay, until the agent is back', async () => {
    await start({ resumeSeconds: 0 });
    const { agent, welcome } = await connect(rig, 'user');
    agent.catalog('shell', ['run']);
    await agent.settled();
    const before = rig.registry.tools('user').revision;
    rig = await rig.restart();
    expect(rig.registry.devices('user')).toMatchObject([{ name: 'laptop', presence: 'away' }]);
    expect(rig.registry.tools('user').revision).toBe(before);
    const sink = new TestSink();
    rig.registry.call({ userId: 'user', deviceId: welcome.device, server: 'shell' }, request(), sink);
    expect(await sink.failure()).toMatchObject({ code: 'offline' });
    await connect(rig, 'user');
    expect(rig.registry.devices('user')).toMatchObject([{ presence: 'online' }]);
    expect(names()).toEqual(['shell__run']);
  });

  test('a device that said goodbye is not back after a restart', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    agent.catalog('shell', ['run']);
    agent.send(FrameType.goodbye, NO_ID, '');
    await agent.closed;
    rig = await rig.restart();
    expect(rig.registry.devices('user')).toEqual([]);
  });
});

describe('changes', () => {
  test('§7.27 are told at once, then in batches, and only when something is different', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    let told = 0;
    let tell: () => void = () => undefined;
    const unsubscribe = rig.registry.onChange('user', () => {
      told += 1;
      tell();
    });
    const next = () => new Promise<void>((resolve) => (tell = resolve));
    rig.registry.onChange('stranger', () => {
      throw new Error('not for this user');
    });
    const first = next();
    agent.catalog('shell', ['a']);
    await first;
    const second = next();
    for (const tool of ['b', 'c', 'd', 'e']) agent.catalog('shell', [tool]);
    await second;
    expect(told).toBe(2);
    expect(names()).toEqual(['shell__e']);
    agent.catalog('shell', ['e']);
    await agent.settled();
    unsubscribe();
    agent.catalog('shell', ['f']);
    await agent.settled();
    expect(told).toBe(2);
  });
});
