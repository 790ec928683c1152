import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { atEnd, http, nodeModule, ready, TestClock, textOf } from './harness.js';

const EVERYTHING = nodeModule('@modelcontextprotocol/server-everything/dist/index.js');

/** server-everything over HTTP; resolves once it listens. */
async function everything(
  mode: 'streamableHttp' | 'sse',
): Promise<{ port: number; output: string[]; child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, mode], { env: { ...process.env, PORT: String(port) } });
  atEnd(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  });
  const output: string[] = [];
  await new Promise<void>((resolve) => {
    const look = (text: Buffer) => {
      output.push(text.toString());
      if (/(listening|running) on port/.test(output.join(''))) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
  });
  return { port, output, child };
}

describe.each(['streamableHttp', 'sse'] as const)('server-everything over %s', (mode) => {
  it('lists its tools, answers and reports progress', async () => {
    const { port } = await everything(mode);
    const path = mode === 'sse' ? 'sse' : 'mcp';
    const { servers, call } = await ready({ one: http(`http://127.0.0.1:${port}/${path}`) });
    expect(servers.states()[0]).toMatchObject({ kind: 'http', status: 'ready', protocolVersion: '2025-11-25' });
    expect(servers.offer('one')?.tools.map((tool) => tool.name)).toContain('echo');
    expect(textOf(await call('one', 'echo', { message: 'hello' }))).toContain('hello');
    const steps: unknown[] = [];
    const context = { onProgress: (params: { progress?: unknown }) => steps.push(params.progress) };
    await call('one', 'trigger-long-running-operation', { duration: 0.2, steps: 3 }, context);
    expect(steps).toEqual([1, 2, 3]);
  });

  it('fails calls and comes back when it dies', async () => {
    const clock = new TestClock();
    const { port, child } = await everything(mode);
    const path = mode === 'sse' ? 'sse' : 'mcp';
    const { call, state } = await ready({ one: http(`http://127.0.0.1:${port}/${path}`) }, { clock });
    const context = { onProgress: () => void child.kill('SIGKILL') };
    const running = call('one', 'trigger-long-running-operation', { duration: 10, steps: 100 }, context);
    if (mode === 'sse') {
      await expect(running).rejects.toMatchObject({ code: 'lost', dispatched: true });
    } else {
      running.catch(() => undefined); // resumable: lost once the attempts to resume are over
      await once(child, 'exit');
      await expect(call('one', 'echo', { message: 'x' })).rejects.toMatchObject({
        code: 'not_ready',
        dispatched: false,
      });
    }
    expect((await state((seen) => seen.status === 'failed')).problem).toMatch(
      /cannot be reached|closed its event stream/,
    );
  });
});
