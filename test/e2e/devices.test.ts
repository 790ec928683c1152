import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClient, textOf } from '../helpers/clients.js';
import { Program } from '../helpers/program.js';
import { gated, type Machine, System } from '../helpers/system.js';

let system: System;
let machine: Machine;
let laptop: Program;
let client: TestClient;

beforeAll(async () => {
  system = await System.start({ limits: { resumeSeconds: 1, callsPerClient: 64 } });
  ({ machine, agent: laptop } = await system.agent({ servers: { work: gated({ label: 'laptop' }) } }));
  client = await system.client();
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

const label = async (name: string): Promise<unknown> => JSON.parse(await client.text(name)).label;

describe('devices of one user', () => {
  test('one: short names, and both forms lead there', async () => {
    await client.listed('work__whoami');
    expect(await label('work__whoami')).toBe('laptop');
    expect(await label('laptop__work__whoami')).toBe('laptop');
    expect(await client.names()).not.toContain('laptop__work__whoami');
  });

  test('§7.26 two: the device comes first, and short names work where they are unambiguous', async () => {
    const servers = { work: gated({ label: 'desktop' }), notes: gated({ label: 'notes' }) };
    const { agent } = await system.agent({ name: 'desktop', servers });
    await client.listed('laptop__work__whoami', 'desktop__work__whoami', 'desktop__notes__whoami');
    expect(await client.names()).not.toContain('work__whoami');
    expect(await label('laptop__work__whoami')).toBe('laptop');
    expect(await label('desktop__work__whoami')).toBe('desktop');
    expect(await label('notes__whoami')).toBe('notes');
    await expect(client.call('work__whoami')).rejects.toThrow(
      /Ambiguous tool: work__whoami.*desktop__work__whoami, laptop__work__whoami/,
    );
    // Goodbye: at once back to short names.
    await agent.stop();
    expect(await client.names()).toContain('work__whoami');
    expect(await label('work__whoami')).toBe('laptop');
  });

  test('of one name: the second goes by another, and is told so', async () => {
    const { agent, machine: second } = await system.agent({ servers: { work: gated({ label: 'second' }) } });
    await agent.line(/another device is called "laptop": this one goes by "laptop-2"/);
    await client.listed('laptop__work__whoami', 'laptop-2__work__whoami');
    expect(await label('laptop-2__work__whoami')).toBe('second');
    expect(JSON.parse((await second.run('status', '--json')).stdout)).toMatchObject({
      agent: { snapshot: { deviceName: 'laptop-2' } },
    });

    // Dropped, not gone: its tools stay, and say that it is offline.
    agent.kill('SIGKILL');
    await expect.poll(() => client.text('laptop-2__work__whoami')).toMatch(/laptop-2 is offline since .* was not run/);
    expect(await client.names()).toContain('laptop-2__work__whoami');
    expect(await label('laptop__work__whoami')).toBe('laptop');
    const status = await client.call('status');
    expect(status.structuredContent).toMatchObject({
      devices: [
        { name: 'laptop', presence: 'online' },
        { name: 'laptop-2', presence: 'away' },
      ],
    });

    // The machine comes back under its name.
    const back = await second.up();
    await expect.poll(() => client.text('laptop-2__work__whoami')).toContain('second');
    await back.stop();
  });

  test('that are one machine: the later one replaces the earlier', async () => {
    const home = join(system.path, 'clone');
    await cp(machine.home, home, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const args = ['agent', '--foreground', '--config', machine.config];
    const clone = system.keep(new Program(args, { home }));
    await clone.line(/online at .* as laptop$/);
    expect(await laptop.ended).toMatchObject({ code: 2 });
    expect(laptop.output).toContain('another agent with this config has taken over this device');
    await client.listed('work__whoami');
    expect(await label('work__whoami')).toBe('laptop');
  });
});

describe('two users', () => {
  test('§7.4 never see each other', async () => {
    await system.agent({ name: 'cellar', person: 'bob', servers: { secret: gated({ label: 'bob' }) } });
    await using bob = await system.client('bob');
    await bob.listed('secret__whoami');
    expect(await bob.names()).toEqual(expect.not.arrayContaining([expect.stringContaining('work')]));
    expect((await bob.names()).filter((name) => !name.startsWith('secret__'))).toEqual(['restart', 'status']);
    expect(textOf(await bob.call('status'))).not.toContain('laptop');

    // To alice bob's names are as unknown as names nobody has.
    const unknown = async (name: string) => String(await client.call(name).catch((error: unknown) => error));
    const nobodys = await unknown('nothing__whoami');
    expect((await unknown('secret__whoami')).replace('secret', 'nothing')).toBe(nobodys);
    expect((await unknown('cellar__secret__whoami')).replace('cellar__secret', 'nothing')).toBe(nobodys);
    await using manager = await system.client('alice', { manage: true });
    const restarted = async (device: string) => textOf(await manager.call('restart', { device }));
    expect((await restarted('cellar')).replace('cellar', 'nothing')).toBe(await restarted('nothing'));
    expect(textOf(await client.call('status'))).not.toContain('cellar');
    // Nor does alice's session serve bob's token.
    const stolen = await fetch(system.endpoint, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await system.token('bob')}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': client.transport.sessionId ?? '',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    expect(stolen.status).toBe(404);
  });

  test('and clients with equal request ids never get each other’s answers', async () => {
    // SDK clients all count from 0, so that ids are equal throughout.
    await using second = await system.client();
    await using bob = await system.client('bob');
    await bob.listed('secret__whoami');
    const wrong: string[] = [];
    const work = async (from: TestClient, who: string, tool: string, worker: number): Promise<void> => {
      for (let turn = 0; turn < 45; turn++) {
        const sent = { who, worker, turn };
        const { pid: _pid, label: _label, ...got } = JSON.parse(await from.text(tool, sent));
        if (JSON.stringify(got) !== JSON.stringify(sent)) wrong.push(`${JSON.stringify(sent)}: ${JSON.stringify(got)}`);
      }
    };
    const workers = Array.from({ length: 16 }, (_, worker) => [
      work(client, 'alice', 'work__whoami', worker),
      work(second, 'alice too', 'work__whoami', worker),
      work(bob, 'bob', 'secret__whoami', worker),
    ]);
    await Promise.all(workers.flat());
    expect(wrong).toEqual([]);
  });
});
