import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { FrameType, NO_ID } from '../../src/protocol/frames.js';
import { connect } from './fake-agent.js';
import { offer } from './offers.js';
import { type Rig, startRig } from './relay-rig.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const { prompts, resources, templates } = {
  prompts: (device?: string) => rig.registry.prompts('user', device),
  resources: () => rig.registry.resources('user'),
  templates: () => rig.registry.resourceTemplates('user'),
};

describe('lists', () => {
  test('that are of the past are named at once, and no others', async () => {
    rig = await startRig();
    const dropped: (readonly [string, object])[] = [];
    rig.registry.onListDropped((userId, list) => dropped.push([userId, list]));
    const { agent, welcome } = await connect(rig, 'user');
    await offer(agent, 'files');
    const [tools, own] = [rig.registry.tools('user'), rig.registry.tools('user', welcome.device)];
    const kept = [prompts(), resources(), templates(), rig.registry.tools('other')];
    agent.catalog('files', [], { status: 'failed', offer: undefined });
    await agent.settled();
    expect(dropped).toEqual([]);
    await offer(agent, 'files', { tools: [{ name: 'other', 'x-kept': true }] });
    expect(dropped).toEqual([
      ['user', tools],
      ['user', own],
    ]);
    expect(
      [prompts(), resources(), templates(), rig.registry.tools('other')].map((list, at) => list === kept[at]),
    ).toEqual(kept.map(() => true));
    const left = prompts(welcome.device);
    agent.send(FrameType.goodbye, NO_ID, '');
    await once(agent.socket, 'close');
    expect(dropped.some(([, list]) => list === left)).toBe(true);
  });

  test('of users of whom nothing is here are forgotten, and no others', async () => {
    rig = await startRig();
    await connect(rig, 'user');
    const stop = rig.registry.onChange('listening', () => {});
    const dropped: string[] = [];
    rig.registry.onListDropped((userId) => dropped.push(userId));
    const lists = () => ['user', 'listening', 'nobody'].map((user) => rig.registry.tools(user));
    const [of, listening, nobody] = lists();
    rig.registry.sweep();
    expect(dropped).toEqual(['nobody']);
    const again = lists();
    expect(again[0]).toBe(of);
    expect(again[1]).toBe(listening);
    expect(again[2]).toEqual(nobody);
    expect(again[2]).not.toBe(nobody);
    stop();
    rig.registry.sweep();
    expect(dropped).toEqual(['nobody', 'listening', 'nobody']);
  });

  test('that are the same on several machines of a user are held once, and of two users never', async () => {
    rig = await startRig();
    const both = [
      await connect(rig, 'user', { machine: 'a' }),
      await connect(rig, 'user', { machine: 'b', name: 'b' }),
    ];
    for (const { agent } of both) await offer(agent, 'files');
    const other = await connect(rig, 'other');
    await offer(other.agent, 'files');
    const [first, second] = rig.registry.devices('user').map(({ servers }) => servers[0]);
    const [theirs] = rig.registry.devices('other').map(({ servers }) => servers[0]);
    for (const kind of ['tools', 'prompts', 'resources', 'resourceTemplates'] as const) {
      expect(second?.[kind]).toBe(first?.[kind]);
      expect(theirs?.[kind]).toEqual(first?.[kind]);
      expect(theirs?.[kind]).not.toBe(first?.[kind]);
    }
    await offer(both[1]?.agent ?? other.agent, 'files', { tools: [{ name: 'run', 'x-kept': false }] });
    expect(rig.registry.devices('user').map(({ servers }) => servers[0]?.tools)).toEqual([
      [{ name: 'run', 'x-kept': false }],
      [{ name: 'run', 'x-kept': true }],
    ]);
  });
});
