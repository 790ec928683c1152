import { describe, expect, it } from 'vitest';
import { isRunning } from '../helpers/processes.js';
import { asking, client, listening, modern, type State, tool } from './asking.js';
import { type Harness, ready, TestClock } from './harness.js';

const isolated = (over: object = {}) => asking({ isolation: 'client', ...over });
const stateFor = async (made: Harness, session: string) =>
  (await tool(made, 'state', {}, { client: client('a', { session }) })) as unknown as State;
const gone = (pid: number) => expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);

describe('isolation: client', () => {
  it('runs a process for each client session, and one that says what there is', async () => {
    const made = await ready({ one: isolated() });
    const first = await stateFor(made, '1');
    const second = await stateFor(made, '2');
    const again = await stateFor(made, '1');
    const own = (await tool(made, 'state')) as unknown as State;
    expect(new Set([first.pid, second.pid, own.pid]).size).toBe(3);
    expect(again).toMatchObject({ pid: first.pid, calls: 2 });
    expect(second.calls).toBe(1);
    expect(made.servers.states()).toMatchObject([{ name: 'one', status: 'ready', starts: 1 }]);
    expect(made.catalogs).toHaveLength(1);
    await made.servers.close();
    for (const { pid } of [first, second, own]) await gone(pid);
  });

  it('ends a session’s process with the session, and starts another if it comes back', async () => {
    const made = await ready({ one: isolated() });
    const { pid } = await stateFor(made, '1');
    const other = await stateFor(made, '2');
    const listen = await listening(made.servers, modern('a', { session: '1' }), { notifications: {} });
    made.servers.endSession('1');
    expect(await listen.ended).toMatchObject({ kind: 'result' });
    await gone(pid);
    expect((await stateFor(made, '1')).calls).toBe(1);
    expect((await stateFor(made, '2')).pid).toBe(other.pid);
  });

  it('ends one that is not used any more, and not while it is', async () => {
    const clock = new TestClock();
    const made = await ready({ one: isolated({ isolationIdleSeconds: 60 }) }, { clock });
    const { pid } = await stateFor(made, '1');
    const idle = () => clock.waiting.filter(({ ms }) => ms === 60_000).length;
    expect(idle()).toBe(1);
    const from = client('a', { session: '1' });
    const listen = await listening(made.servers, from, { notifications: {} });
    expect(idle()).toBe(0);
    await stateFor(made, '1');
    expect(idle()).toBe(0);
    listen.stop();
    await listen.ended;
    expect(idle()).toBe(1);
    expect(isRunning(pid)).toBe(true);
    clock.fire(60_000);
    await gone(pid);
  });

  it('waits 600 s unless told otherwise', async () => {
    const clock = new TestClock();
    const made = await ready({ one: isolated() }, { clock });
    await stateFor(made, '1');
    expect(clock.waiting.map(({ ms }) => ms)).toContain(600_000);
  });

  it('restarts them all', async () => {
    const made = await ready({ one: isolated() });
    const { pid } = await stateFor(made, '1');
    const [state] = await made.servers.restart('one', new AbortController().signal);
    expect(state).toMatchObject({ status: 'ready', starts: 2 });
    const after = await stateFor(made, '1');
    expect(after.pid).not.toBe(pid);
    expect(after.calls).toBe(1);
  });

  it('has its limit', async () => {
    const made = await ready({ one: isolated() });
    const sessions = Array.from({ length: 16 }, (_, index) => `session ${index}`);
    for (const session of sessions)
      await made.servers.notify('one', 'notifications/x', Buffer.from('{}'), client('a', { session }));
    await expect(stateFor(made, 'one more')).rejects.toMatchObject({
      code: 'not_ready',
      dispatched: false,
      message: expect.stringContaining('already runs once for each of 16 client sessions'),
    });
    made.servers.endSession('session 0');
    expect((await stateFor(made, 'one more')).calls).toBe(1);
  }, 60_000);

  it('lets its client be asked, and tells one session nothing of another', async () => {
    const made = await ready({ one: isolated() });
    const mine = await listening(made.servers, client('a', { session: '1' }), {});
    const theirs = await listening(made.servers, client('b', { session: '2' }), {});
    const notifications = [['notifications/tools/list_changed', {}]];
    await tool(made, 'tell', { notifications }, { client: client('b', { session: '2' }) });
    await theirs.next('notifications/tools/list_changed');
    expect(mine.told).toHaveLength(1);
  });

  it('is not for a server that is off', async () => {
    const made = await ready({ one: isolated({ disabled: true }) });
    await expect(stateFor(made, '1')).rejects.toMatchObject({ code: 'not_ready' });
  });
});
