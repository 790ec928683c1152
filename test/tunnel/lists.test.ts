import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import type { Store } from '../../src/relay/store/store.js';
import { STORE } from '../../src/relay/tokens.js';
import { connect } from './fake-agent.js';
import { OFFER, offer } from './offers.js';
import { type Rig, startRig } from './relay-rig.js';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const start = async (limits: Partial<Limits> = {}) => {
  rig = await startRig(limits);
};

const { prompts, resources, templates, resolve } = {
  prompts: (device?: string) => rig.registry.prompts('user', device),
  resources: (device?: string) => rig.registry.resources('user', device),
  templates: (device?: string) => rig.registry.resourceTemplates('user', device),
  resolve: (uri: string, device?: string) => rig.registry.resolveUri('user', uri, device),
};
const promptNames = () => prompts().prompts.map(({ exposedName }) => exposedName);
const uris = () => resources().resources.map(({ exposedUri }) => exposedUri);

describe('prompts', () => {
  test('are listed and found like tools, in a table of their own', async () => {
    await start();
    const { agent, welcome } = await connect(rig, 'user', { machine: 'a' });
    await offer(agent, 'files');
    const target = { userId: 'user', deviceId: welcome.device, server: 'files' };
    expect(prompts().prompts).toEqual([
      {
        exposedName: 'files__ask',
        target,
        deviceName: 'laptop',
        promptName: 'ask',
        prompt: { name: 'ask', 'x-kept': true },
      },
      { exposedName: 'files__run', target, deviceName: 'laptop', promptName: 'run', prompt: { name: 'run' } },
    ]);
    const { agent: desk, welcome: other } = await connect(rig, 'user', { machine: 'b', name: 'desk' });
    await offer(desk, 'files', { prompts: [OFFER.prompts[1] ?? { name: '' }] });
    expect(promptNames()).toEqual(['desk__files__run', 'laptop__files__ask', 'laptop__files__run']);
    const find = (name: string, device?: string) => rig.registry.resolvePrompt('user', name, device);
    expect(find('files__ask')).toMatchObject({ kind: 'found', prompt: { target } });
    expect(find('files__run')).toMatchObject({ kind: 'ambiguous' });
    expect(find('files__run', other.device)).toMatchObject({ prompt: { exposedName: 'files__run' } });
    expect(find('files__ask', other.device)).toEqual({ kind: 'unknown' });
    expect(prompts(other.device).prompts.map(({ exposedName }) => exposedName)).toEqual(['files__run']);
  });

  test('over promptsPerUser the rest is counted', async () => {
    await start({ promptsPerUser: 2 });
    const { agent } = await connect(rig, 'user');
    await offer(agent, 'files', { prompts: ['c', 'a', 'b', 'a'].map((name) => ({ name })) });
    expect(promptNames()).toEqual(['files__a', 'files__b']);
    expect(prompts().omitted).toBe(1);
  });
});

describe('resources', () => {
  test('and templates have their server’s key in front, with one device too', async () => {
    await start();
    const { agent, welcome } = await connect(rig, 'user');
    await offer(agent, 'files');
    expect(resources().resources).toEqual([
      {
        exposedUri: 'laptop.files+file:///a',
        target: { userId: 'user', deviceId: welcome.device, server: 'files' },
        deviceName: 'laptop',
        resource: { uri: 'file:///a', name: 'a', 'x-kept': true },
      },
      expect.objectContaining({ exposedUri: 'ui://laptop.files+form' }),
    ]);
    expect(templates().resources).toMatchObject([{ exposedUri: 'laptop.files+file:///{path}' }]);
    expect(resources(welcome.device)).toBe(resources(welcome.device));
    expect(resources(welcome.device)).toEqual(resources());
    expect(resources('none').resources).toEqual([]);
    expect(rig.registry.resources('stranger').resources).toEqual([]);
  });

  test('over resourcesPerUser the rest is counted, and found all the same', async () => {
    await start({ resourcesPerUser: 2 });
    const { agent } = await connect(rig, 'user');
    const many = ['x://c', 'x://a', 'x://b', 'x://d'];
    await offer(agent, 'files', {
      resources: many.map((uri) => ({ uri, name: uri })),
      resourceTemplates: many.map((uri) => ({ uriTemplate: `${uri}/{n}`, name: uri })),
    });
    expect(uris()).toEqual(['laptop.files+x://a', 'laptop.files+x://b']);
    expect(resources().omitted).toBe(2);
    expect(templates()).toMatchObject({ omitted: 2, resources: { length: 2 } });
    expect(resolve('x://d')).toMatchObject({ kind: 'found', uri: 'x://d' });
  });

  test('of one URI the first counts, and what is too deep is left out', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`);
    await offer(agent, 'files', {
      prompts: [{ name: 'a' }, { name: 'deep', ...deep }],
      resources: [
        { uri: 'x://a', name: 'first' },
        { uri: 'x://a', name: 'second' },
        { uri: 'x://b', name: 'b', ...deep },
      ],
      resourceTemplates: [{ uriTemplate: 'x://{a}', name: 'deep', ...deep }],
    });
    expect(resources().resources.map(({ resource }) => resource.name)).toEqual(['first']);
    expect(promptNames()).toEqual(['files__a']);
    expect(templates().resources).toEqual([]);
    expect(rig.registry.devices('user')[0]?.servers.find(({ name }) => name === 'files')?.resources).toHaveLength(1);
  });
});

describe('a URI', () => {
  test('with a key in front leads to that server, listed or not', async () => {
    await start();
    const { agent, welcome } = await connect(rig, 'user', { machine: 'a' });
    await offer(agent, 'files');
    const { welcome: other } = await connect(rig, 'user', { machine: 'b', name: 'desk' });
    const target = { userId: 'user', deviceId: welcome.device, server: 'files' };
    const found = { kind: 'found', target, uriKey: 'laptop.files', uri: 'x://not/listed+1' };
    expect(resolve('laptop.files+x://not/listed+1')).toEqual(found);
    expect(resolve('laptop.files+x://not/listed+1', welcome.device)).toEqual(found);
    expect(resolve('ui://laptop.files+form')).toMatchObject({ target, uri: 'ui://form' });
    // A server that has been named is there, also before it is ready.
    expect(resolve('desk.shell+x://y')).toMatchObject({ target: { deviceId: other.device, server: 'shell' } });
    const unknown = { kind: 'unknown' };
    expect(resolve('laptop.files+x://y', other.device)).toEqual(unknown);
    expect(resolve('laptop.none+x://y')).toEqual(unknown);
    expect(resolve('phone.files+x://y')).toEqual(unknown);
    expect(rig.registry.resolveUri('stranger', 'laptop.files+x://y')).toEqual(unknown);
  });

  test('without a key leads to the one server that lists it, or could', async () => {
    await start();
    const { agent, welcome } = await connect(rig, 'user', { machine: 'a' });
    await offer(agent, 'files');
    const { agent: desk, welcome: other } = await connect(rig, 'user', { machine: 'b', name: 'desk' });
    await offer(desk, 'notes', {
      resources: [
        { uri: 'file:///a', name: 'a' },
        { uri: 'git.repo+ssh://x', name: 'x' },
      ],
      resourceTemplates: [{ uriTemplate: 'note://{id}', name: 'n' }],
    });
    const files = { target: { deviceId: welcome.device, server: 'files' }, uriKey: 'laptop.files' };
    const notes = { target: { deviceId: other.device, server: 'notes' }, uriKey: 'desk.notes' };
    expect(resolve('file:///a')).toEqual({
      kind: 'ambiguous',
      candidates: ['desk.notes+file:///a', 'laptop.files+file:///a'],
    });
    expect(resolve('file:///a', welcome.device)).toMatchObject({ kind: 'found', ...files, uri: 'file:///a' });
    expect(resolve('ui://form')).toMatchObject({ kind: 'found', ...files, uri: 'ui://form' });
    // What looks like a key and is none.
    expect(resolve('git.repo+ssh://x')).toMatchObject({ kind: 'found', ...notes, uri: 'git.repo+ssh://x' });
    // A template as a completion names it, and one that could have made the URI.
    expect(resolve('note://{id}')).toMatchObject({ kind: 'found', ...notes, uri: 'note://{id}' });
    expect(resolve('note://7')).toMatchObject({ kind: 'found', ...notes, uri: 'note://7' });
    expect(resolve('file:///b')).toMatchObject({ kind: 'found', ...files });
    expect(resolve('note://7/more')).toEqual({ kind: 'unknown' });
    expect(resolve('note://7', welcome.device)).toEqual({ kind: 'unknown' });
  });
});

describe('a list', () => {
  test('is the same object until it changes, whatever else does', async () => {
    await start();
    const { agent } = await connect(rig, 'user', { machine: 'a' });
    await offer(agent, 'files');
    const lists = () => [rig.registry.tools('user'), prompts(), resources(), templates()];
    const same = (before: readonly unknown[]) => lists().map((list, index) => list === before[index]);
    let before = lists();
    expect(new Set(before.map(({ revision }) => revision)).size).toBe(4);
    agent.catalog('files', [], { status: 'failed', offer: undefined });
    agent.catalog('shell', [], { status: 'failed', offer: undefined });
    await agent.settled();
    expect(same(before)).toEqual([true, true, true, true]);
    await offer(agent, 'files', { resources: [{ uri: 'file:///b', name: 'b' }] });
    expect(same(before)).toEqual([true, true, false, true]);
    expect(resources().revision).not.toBe(before[2]?.revision);
    before = lists();
    await offer(agent, 'files', { resources: [{ uri: 'file:///b', name: 'other' }], fit: false });
    expect(same(before)).toEqual([false, false, false, false]);
    expect(rig.registry.tools('user').revision).not.toBe(before[0]?.revision);
  });

  test.each<['prompts' | 'resources' | 'resourceTemplates', Partial<typeof OFFER>]>([
    ['prompts', { prompts: [{ name: 'new' }] }],
    ['resources', { resources: [{ uri: 'x://new', name: 'n' }] }],
    ['resourceTemplates', { resourceTemplates: [] }],
  ])('of %s that changes is told', async (kind, change) => {
    await start();
    const { agent } = await connect(rig, 'user');
    await offer(agent, 'files');
    const before = rig.registry[kind]('user').revision;
    const told = new Promise<void>((resolved) => rig.registry.onChange('user', resolved));
    await offer(agent, 'files', change);
    await told;
    expect(rig.registry[kind]('user').revision).not.toBe(before);
  });

  test('says whether its server’s entries may be fitted', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    await offer(agent, 'files', { fit: false });
    await offer(agent, 'notes');
    expect(rig.registry.tools('user').tools.map(({ exposedName, fit }) => [exposedName, fit])).toEqual([
      ['files__run', false],
      ['notes__run', true],
    ]);
    const servers = rig.registry.devices('user')[0]?.servers ?? [];
    expect(servers.find(({ name }) => name === 'files')).toMatchObject({ fit: false, era: 'legacy' });
  });

  test('outlives the relay, and so does a catalog that an older relay wrote', async () => {
    await start();
    const { agent } = await connect(rig, 'user');
    await offer(agent, 'files');
    await offer(agent, 'older');
    const before = [rig.registry.tools('user'), prompts(), resources(), templates()].map(({ revision }) => revision);
    rig = await rig.restart();
    expect([rig.registry.tools('user'), prompts(), resources(), templates()].map(({ revision }) => revision)).toEqual(
      before,
    );
    const store: Store = rig.relay.nest.get(STORE, { strict: false });
    const older: Record<string, unknown> = {
      protocolVersion: '2025-06-18',
      serverInfo: { name: 'older' },
      capabilities: {},
      tools: OFFER.tools,
    };
    for await (const [key] of store.list('catalog:')) {
      if (key.endsWith(':older')) await store.put(key, { seq: 0, server: 'older', status: 'ready', offer: older });
      if (key.endsWith(':files')) await store.put(key, { seq: 0, server: 'files', status: 'ready', offer: [] });
    }
    rig = await rig.restart();
    expect(rig.registry.tools('user').tools.map(({ exposedName }) => exposedName)).toEqual(['older__run']);
    expect(rig.registry.devices('user')[0]?.servers).toMatchObject([
      { name: 'older', era: 'legacy', fit: true, prompts: [], resources: [], resourceTemplates: [] },
    ]);
  });
});
