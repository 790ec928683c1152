import { describe, expect, it } from 'vitest';
import { type Answer, bench, clientSide, LEGACY, replied, said } from './harness.js';

const accepted = { action: 'accept', content: { name: 'Ann' } };

describe('tools that a legacy server runs as tasks only', () => {
  it('§7.40 are tools like any other for modern clients', async () => {
    const { call, did } = await bench();
    const ended = await call('job');
    expect(said(ended)).toEqual({ job: 'done', said: 'nothing' });
    expect(ended.value.resultType).toBe('complete');
    expect(ended.json).not.toContain('related-task');
    expect(await did()).toEqual([{ task: 'working' }]);
  });

  it('§7.40 are tools like any other for legacy clients of several servers or an older revision', async () => {
    const { call } = await bench();
    const merged = { ...LEGACY, endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    const params = { task: { ttl: 1000 } };
    expect(said(await call('job', {}, { client: merged, params }))).toMatchObject({ job: 'done' });
    const older = { ...LEGACY, protocolVersion: '2025-06-18' };
    expect(said(await call('job', {}, { client: older }))).toMatchObject({ job: 'done' });
  });

  it('§7.40 are left to clients that speak tasks with the server itself', async () => {
    const { call } = await bench();
    const plain = await call('job', {}, { client: LEGACY });
    // The server's own word, as without a tunnel: SDK v1 puts the error it has for this into a result.
    expect(String(said(plain))).toContain('-32601');
    const created = await call('job', {}, { client: LEGACY, params: { task: { ttl: 60_000 } } });
    expect(created.value).toMatchObject({ task: { status: 'working' } });
  });

  it('§7.40 may ask: a modern client between its requests, a legacy one at once', async () => {
    const { call } = await bench();
    const asking: Answer = await call('job', { asks: true });
    expect(asking.value).toMatchObject({ inputRequests: { q1: { params: { message: 'the job asks' } } } });
    expect(asking.json).not.toContain('related-task');
    const params = { requestState: asking.value.requestState, inputResponses: { q1: accepted } };
    expect(said(await call('job', { asks: true }, { params }))).toEqual({ job: 'done', said: accepted });
    const side = clientSide(() => replied(accepted));
    const client = { ...LEGACY, endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    expect(said(await call('job', { asks: true }, { client, side }))).toEqual({ job: 'done', said: accepted });
    expect(side.asked).toMatchObject([{ params: { message: '[laptop/notes] the job asks' } }]);
  });

  it('§7.23 are cancelled when their client leaves', async () => {
    const { call, until, servers } = await bench();
    const side = clientSide();
    const hanging = call('job', { hangs: true }, { side });
    await until((deed) => 'task' in deed);
    side.leave.abort(new Error('gone'));
    await expect(hanging).rejects.toThrow('gone');
    const list = async () => {
      const outcome = await servers.request('legacy', 'tasks/list', Buffer.from('{}'), {
        signal: AbortSignal.timeout(5000),
      });
      if (outcome.kind === 'error') throw new Error(outcome.error.message);
      return JSON.parse(Buffer.from(outcome.json).toString('utf8'));
    };
    await expect.poll(list).toMatchObject({ tasks: [{ status: 'cancelled' }] });
  });
});
