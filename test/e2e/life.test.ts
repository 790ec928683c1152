import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { textOf } from '../helpers/clients.js';
import { gated, System } from '../helpers/system.js';
import { executions } from './executions.js';
import { CLIENTS, Front, LINKS } from './front.js';
import { Gate } from './gate.js';

const MiB = 1024 * 1024;
const posix = process.platform !== 'win32';
/** Longer than any test may take: whoever waits for it has not heard what happened. */
const NEVER = 3600;

describe('a call whose agent goes away', () => {
  test('§7.34 fails once the agent has not come back in time', async () => {
    await using gate = await Gate.open();
    await using system = await System.start({ limits: { resumeSeconds: 1 } });
    const { agent } = await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__gate');
    const call = client.call('work__gate', { url: gate.url });
    await gate.next();
    agent.kill('SIGKILL');
    const result = await call;
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^The connection to laptop was lost .* may or may not have run/);
    // Still listed, and what is called now is known not to run.
    expect(await client.names()).toContain('work__gate');
    expect(await client.text('work__gate', { url: gate.url })).toMatch(/^laptop is offline since .* was not run\./);
  });

  test.runIf(posix)('fails at once when the agent is stopped or started anew', async () => {
    await using gate = await Gate.open();
    await using system = await System.start({ limits: { resumeSeconds: NEVER, presentSeconds: 2 * NEVER } });
    const { machine, agent } = await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__gate');

    const killed = client.call('work__gate', { url: gate.url });
    await gate.next();
    agent.kill('SIGKILL');
    await agent.ended;
    const again = await machine.up();
    expect(textOf(await killed)).toMatch(/^The agent on laptop was restarted .* may or may not have run/);
    expect(again.output).toContain('as laptop');

    await client.listed('work__gate');
    const stopped = client.call('work__gate', { url: gate.url });
    await gate.next();
    expect(await again.stop()).toMatchObject({ code: 0 });
    expect(textOf(await stopped)).toMatch(/may or may not have run|outcome unknown/);
    // It said goodbye, so it is gone at once.
    expect(await client.names()).toEqual(['restart', 'status']);
  });

  test('§7.34 ends with its result when only the link was lost, and has run once', async () => {
    await using gate = await Gate.open();
    await using front = await Front.open();
    await using system = await System.start({
      front,
      limits: { resumeSeconds: 25, heartbeatSeconds: 1, pongSeconds: 1 },
    });
    const counter = join(system.path, 'executions');
    await writeFile(counter, '');
    const { agent } = await system.agent({ servers: { work: gated({ counter }) } });
    await using client = await system.client();
    await client.listed('work__gate');

    const call = client.text('work__gate', { url: gate.url, call: 1 });
    const held = await gate.next();
    const refused = front.refuse(LINKS);
    const cutAt = agent.here;
    expect(front.cut(LINKS)).toBe(1);
    // Answered while there is no link at all.
    await refused;
    held.end('the result');
    await held.given;
    front.accept();
    expect(await call).toBe('the result');
    await agent.line(/online at/, cutAt);
    expect(await executions(counter)).toEqual([{ url: gate.url, call: 1 }]);

    // The same when nobody is told that the network has gone. A call made meanwhile arrives too.
    const second = client.text('work__gate', { url: gate.url, call: 2 });
    const heldSecond = await gate.next();
    const frozenAt = agent.here;
    expect(front.freeze(LINKS)).toBe(1);
    const third = client.text('work__gate', { url: gate.url, call: 3 });
    heldSecond.end('second');
    await agent.line(/online at/, frozenAt);
    (await gate.next()).end('third');
    expect(await Promise.all([second, third])).toEqual(['second', 'third']);
    expect(await executions(counter)).toHaveLength(3);
  }, 60_000);

  test('goes on in the middle of a result, byte for byte', async () => {
    await using front = await Front.open();
    await using system = await System.start({ front, limits: { resumeSeconds: 25 } });
    const { agent } = await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__big');
    const twice = front.cutAfter(LINKS, MiB).then(() => front.cutAfter(LINKS, 8 * MiB));
    const call = client.call('work__big', { bytes: 24 * MiB, seed: 'plum' });
    await twice;
    const [hash, big] = (await call).content.map((block) => (block.type === 'text' ? block.text : ''));
    expect(big?.length).toBeGreaterThan(MiB);
    expect(
      createHash('sha256')
        .update(big ?? '')
        .digest('hex'),
    ).toBe(hash);
    expect(agent.output.match(/work big: ok/g)).toHaveLength(1);
  });

  test('is resumed by its client when that one was cut off', async () => {
    await using gate = await Gate.open();
    await using front = await Front.open();
    await using system = await System.start({ front, limits: { silentSeconds: 1 } });
    await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__gate');
    let heard = () => {};
    const progress = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const params = { name: 'work__gate', arguments: { url: gate.url } };
    const call = client.sdk.callTool(params, undefined, { onprogress: heard });
    const held = await gate.next();
    await progress;
    expect(front.cut(CLIENTS)).toBeGreaterThan(0);
    held.end('after the cut');
    expect((await call).content).toEqual([{ type: 'text', text: 'after the cut' }]);
  });
});

describe.runIf(posix)('a relay that is told to end', () => {
  test('lets its calls end, takes no more, and ends with 0', async () => {
    await using gate = await Gate.open();
    await using system = await System.start();
    const { agent } = await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__gate');
    const call = client.text('work__gate', { url: gate.url });
    const held = await gate.next();
    system.relay.kill('SIGTERM');
    await system.relay.line(/stopping/);
    await expect.poll(async () => (await fetch(`${system.url}/readyz`)).status).toBe(503);
    await agent.line(/the relay restarts/);
    expect(await client.text('work__gate', { url: gate.url })).toContain('not dispatched');
    held.end('in time');
    expect(await call).toBe('in time');
    expect(await system.relay.ended).toEqual({ code: 0, signal: null });
  });

  test('twice ends at once', async () => {
    await using gate = await Gate.open();
    await using system = await System.start({ limits: { drainSeconds: NEVER } });
    await system.agent({ servers: { work: gated() } });
    await using client = await system.client();
    await client.listed('work__gate');
    const call = client.call('work__gate', { url: gate.url });
    call.catch(() => undefined);
    await gate.next();
    system.relay.kill('SIGTERM');
    await system.relay.line(/stopping/);
    system.relay.kill('SIGTERM');
    expect(await system.relay.ended).toEqual({ code: 143, signal: null });
  });
});
