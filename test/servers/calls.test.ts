import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logged, ready, scripted, TestClock, tempFolder, textOf } from './harness.js';

describe('calls', () => {
  it('passes progress on without the token, and none once it is over', async () => {
    const { servers, call } = await ready({ one: scripted() });
    const seen: unknown[] = [];
    const params = Buffer.from('{"name":"progress","_meta":{"progressToken":"theirs"}}');
    const outcome = await servers.request('one', 'tools/call', params, {
      signal: new AbortController().signal,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3, extra: 'kept' })));
    expect(JSON.parse(textOf(outcome)).token).toBeTypeOf('number');
    expect(JSON.parse(textOf(await call('one', 'progress'))).token).toBeNull();
  });

  it('cancels at the server, once, with our id', async () => {
    const folder = await tempFolder();
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }) });
    const stop = new AbortController();
    const reason = new Error('the client left');
    const hanging = call('one', 'hang', {}, { signal: stop.signal, onLog: () => stop.abort(reason) });
    await expect(hanging).rejects.toBe(reason);
    await call('one', 'echo');
    await servers.close();
    const lines = await logged(log);
    const hang = lines.find((line) => line.params?.name === 'hang');
    expect(lines.filter((line) => line.method === 'notifications/cancelled')).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: hang?.id, reason: 'cancelled by the client' },
      },
    ]);
  });

  it('sends nothing for a call that was aborted before', async () => {
    const folder = await tempFolder();
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }) });
    await expect(call('one', 'echo', {}, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
    await servers.close();
    expect(await readFile(log, 'utf8')).not.toContain('tools/call');
  });

  it('times out as configured, counted anew from each progress', async () => {
    const folder = await tempFolder();
    const clock = new TestClock();
    const log = join(folder, 'log');
    const { call, servers } = await ready({ one: scripted({ log }, { timeout: 5 }) }, { clock });
    const ended: unknown[] = [];
    const timer = () => clock.waiting.find(({ ms }) => ms === 5_000);
    const progressed = new Promise<void>((resolve) => {
      const context = { onProgress: () => resolve() };
      call('one', 'hang', {}, context).catch((error) => ended.push(error));
    });
    await new Promise(setImmediate); // it is on its way
    const first = timer();
    await progressed;
    expect(first).toBeDefined();
    expect(timer()).toBeDefined();
    expect(timer()).not.toBe(first);
    clock.fire(5_000);
    await call('one', 'echo');
    await servers.close();
    const timeout = { code: 'timeout', dispatched: true, message: 'the server gave no answer within 5 s' };
    expect(ended).toMatchObject([timeout]);
    expect(await readFile(log, 'utf8')).toContain('"reason":"timed out"');
    expect(clock.waiting.filter((timer) => timer.ms === 5_000)).toEqual([]);
  });

  it('tells a log line only of the one call it can belong to', async () => {
    const { call } = await ready({ one: scripted() });
    const lines: string[] = [];
    const stop = new AbortController();
    const alone = new Promise<void>((resolve) => {
      const context = {
        signal: stop.signal,
        onLog: (params: { data?: unknown }) => {
          lines.push(`1 ${params.data}`);
          resolve();
        },
      };
      call('one', 'hang', { of: 'a' }, context).catch(() => undefined);
    });
    await alone;
    const other = call(
      'one',
      'hang',
      { of: 'b' },
      { signal: stop.signal, onLog: (params) => lines.push(`2 ${params.data}`) },
    );
    await call('one', 'echo');
    expect(lines).toEqual(['1 hanging a']);
    stop.abort(new Error('done'));
    await expect(other).rejects.toThrow('done');
  });
});
