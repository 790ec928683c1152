import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { Gate } from '../e2e/gate.js';
import type { Program } from '../helpers/program.js';
import { gated, type Machine, System } from '../helpers/system.js';
import { type TempFolder, tempFolder } from '../helpers/temp.js';
import { authorized, EventCall, startSession } from './event-call.js';
import { FrontProxy, type Kind } from './proxy.js';

const kinds: readonly Kind[] = ['nginx', 'caddy'];

describe.runIf(process.platform === 'linux').each(kinds)('behind %s, set as README says', (kind) => {
  let folder: TempFolder;
  let system: System;
  let proxy: FrontProxy;
  let agent: Program;
  let machine: Machine;
  let gate: Gate;

  beforeAll(async () => {
    folder = await tempFolder(`proxy-${kind}`);
    const port = await freePort();
    system = await System.start({
      front: { url: `https://localhost:${port}`, target: 0 },
      relay: { trustProxy: 1 },
      // Of nginx's time-outs, which the test has made 2 s.
      limits: { silentSeconds: 1, keepaliveSeconds: 1, heartbeatSeconds: 1, streamsPerClient: 1 },
    });
    proxy = await FrontProxy.start(kind, port, system.port, folder.path);
    gate = await Gate.open();
    const program = { env: { NODE_EXTRA_CA_CERTS: proxy.ca } };
    ({ machine, agent } = await system.agent({ servers: { work: gated() }, program }));
  });

  afterAll(async () => {
    await gate?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test('logs in, lists and calls, also with a large request', async () => {
    await using client = await system.client();
    await client.listed('work__gate', 'work__whoami');
    const large = 'x'.repeat(3 * 1024 * 1024);
    expect(JSON.parse(await client.text('work__whoami', { large }))).toMatchObject({ large });
  });

  test('progress arrives while the call runs, and a quiet call outlives the proxy’s patience', async () => {
    const call = await EventCall.start(system.endpoint, await system.token(), 'work__gate', { url: gate.url });
    const held = await gate.next();
    expect(await call.event()).toMatchObject({ method: 'notifications/progress', params: { progress: 1 } });
    for (let second = 0; second < 4; second++) await call.comment();
    held.end('after all');
    expect(await call.event()).toMatchObject({ id: 2, result: { content: [{ type: 'text', text: 'after all' }] } });
    // The link was just as quiet, and is the one it began with.
    expect(agent.lines.filter((line) => /online at/.test(line))).toHaveLength(1);
    expect((await machine.run('status')).code).toBe(0);
  });

  test('a client that hangs up leaves no stream at the relay', async () => {
    const token = await system.token();
    const session = await startSession(system.endpoint, token);
    const headers = authorized(token, { ...session, accept: 'text/event-stream' });
    const listen = async (): Promise<number> => {
      const hangUp = new AbortController();
      const { status } = await fetch(system.endpoint, { headers, signal: hangUp.signal });
      hangUp.abort();
      return status;
    };
    expect(await listen()).toBe(200);
    await expect.poll(listen, { timeout: 10_000, interval: 50 }).toBe(200);
  });

  test('an agent comes back after a restart of the relay', async () => {
    const from = agent.here;
    await system.relay.stop();
    await system.startRelay();
    await agent.line(/online at/, from);
    await using client = await system.client();
    await client.listed('work__whoami');
    expect(await client.text('work__whoami')).toContain('pid');
  });
});
