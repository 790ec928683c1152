import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRunning } from '../helpers/processes.js';
import { fixture, harness, pidOf, ready, scripted, TestClock, tempFolder, textOf } from './harness.js';

describe('ends', () => {
  it('fails what is in flight at once when the server dies, and brings it back', async () => {
    const clock = new TestClock();
    const { call, state, catalogs, servers } = await ready(
      { one: scripted({ stderr: ['starting up'], tellPid: false }) },
      { clock, random: () => 0.999 },
    );
    const hanging = call('one', 'hang');
    const dying = call('one', 'die', { code: 9 });
    await expect(hanging).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await expect(dying).rejects.toMatchObject({ code: 'lost', dispatched: true });
    await expect(call('one', 'echo')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    const failed = await state((seen) => seen.status === 'failed');
    expect(failed).toMatchObject({ reason: 'exited', problem: 'ended with exit status 9\n  starting up' });
    const waiting = await state((seen) => seen.status === 'waiting');
    expect(waiting.retryAt).toBeGreaterThan(0);
    clock.fire(499);
    await state((seen) => seen.status === 'ready' && seen.starts === 2);
    expect(textOf(await call('one', 'echo', { a: 1 }))).toBe('{"a":1}');
    expect(catalogs).toHaveLength(1); // the tools never went away
    expect(servers.states()[0]).toMatchObject({ problem: undefined, reason: undefined });
  });

  it('backs off with full jitter while it crashes, for ever', async () => {
    const clock = new TestClock();
    const { state, servers } = await ready(
      { one: scripted({ exitCode: 3, stderr: ['no license \u001b[2J'] }) },
      { clock, random: () => 0.999 },
    );
    const delays: number[] = [];
    for (let start = 1; start <= 9; start += 1) {
      const waiting = await state((seen) => seen.status === 'waiting' && seen.starts === start);
      expect(waiting.problem).toBe('ended with exit status 3\n  no license \\u001b[2J');
      const timer = clock.waiting.at(-1);
      delays.push(timer?.ms ?? 0);
      clock.fire(timer?.ms ?? 0);
    }
    expect(delays).toEqual([499, 999, 1998, 3996, 7992, 15984, 29970, 29970, 29970]);
    expect(servers.offer('one')).toBeUndefined();
  });

  it('forgets earlier failures once it was stable for 30 s', async () => {
    const clock = new TestClock();
    const { call, state } = await ready({ one: scripted() }, { clock, random: () => 0.999 });
    const die = (start: number) => {
      call('one', 'die').catch(() => undefined);
      return state((seen) => seen.status === 'waiting' && seen.starts === start);
    };
    await die(1);
    clock.fire(499);
    await state((seen) => seen.status === 'ready' && seen.starts === 2);
    await die(2);
    clock.fire(999);
    await state((seen) => seen.status === 'ready' && seen.starts === 3);
    clock.offset += 30_000;
    await die(3);
    expect(clock.waiting.map((timer) => timer.ms)).toEqual([499]);
  });

  it('says what to do about a command that is not there', async () => {
    const folder = await tempFolder();
    const { states } = await ready({
      one: scripted({}, { command: ['no-such-command-here', 'x'] }),
      two: scripted({}, { cwd: join(folder, 'missing') }),
      three: scripted({}, { command: [folder] }),
    });
    const failed = (name: string) => states.find((seen) => seen.name === name && seen.status === 'failed');
    const problem = (name: string) => failed(name)?.problem;
    expect(['one', 'two', 'three'].map((name) => failed(name)?.reason)).toEqual([
      'not_found',
      'not_found',
      'not_allowed',
    ]);
    expect(problem('one')).toBe('command "no-such-command-here" not found: is it installed and on PATH?');
    expect(problem('two')).toBe(`working folder "${join(folder, 'missing')}" does not exist: change "cwd"`);
    expect(problem('three')).toContain('may not be run');
  });

  it('does not let a silent server hold up the others, and gives it up after a minute', async () => {
    const clock = new TestClock();
    const { servers, state } = harness(
      { mute: scripted({ silent: true }), one: scripted(), off: scripted({}, { disabled: true }) },
      { clock },
    );
    servers.start();
    await state((seen) => seen.name === 'one' && seen.status === 'ready');
    expect(servers.states().map((seen) => seen.status)).toEqual(['starting', 'ready', 'disabled']);
    const stop = new AbortController();
    const settled = servers.settled(stop.signal);
    stop.abort();
    await settled;
    clock.fire(60_000);
    await servers.settled(AbortSignal.timeout(20_000));
    expect(await state((seen) => seen.name === 'mute' && seen.status === 'failed')).toMatchObject({
      reason: 'no_answer',
      problem: 'was not ready within 60 s',
    });
  });

  it('§7.37 restarts one, or all, on demand', async () => {
    const { servers, states, state, call } = await ready({
      one: scripted(),
      two: scripted({ exitCode: 1 }),
      off: scripted({}, { disabled: true }),
    });
    const before = pidOf(servers.states()[0]);
    const restarting = servers.restart('one', AbortSignal.timeout(20_000));
    await state((seen) => seen.name === 'one' && seen.status === 'starting' && pidOf(seen) === before);
    await expect(call('one', 'echo')).rejects.toMatchObject({ code: 'not_ready', dispatched: false });
    const after = await restarting;
    expect(after).toMatchObject([{ name: 'one', status: 'ready', starts: 2 }]);
    expect(pidOf(after[0])).not.toBe(before);
    expect(isRunning(before)).toBe(false);
    const [one, two, off] = await servers.restart(undefined, AbortSignal.timeout(20_000));
    expect([one?.status, two?.status, off?.status]).toEqual(['ready', 'failed', 'disabled']);
    expect(one?.starts).toBe(3);
    await expect(servers.restart('three', AbortSignal.timeout(1_000))).rejects.toMatchObject({
      code: 'unknown_server',
    });
    await expect(
      servers.request('three', 'x', Buffer.from('{}'), { signal: AbortSignal.timeout(1_000) }),
    ).rejects.toMatchObject({
      code: 'unknown_server',
    });
    expect(states.filter((seen) => seen.name === 'off')).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('ends the grandchild with its wrapper, the stubborn one too', async () => {
    const wrapped = scripted({ stubborn: true }, {});
    const { servers, states } = await ready({
      one: {
        ...wrapped,
        env: { STUBBORN: '1' },
        command: [process.execPath, fixture('wrapper.mjs'), ...wrapped.command],
      },
    });
    const grandchild = pidOf(states.find((seen) => seen.status === 'ready'));
    expect(isRunning(grandchild)).toBe(true);
    await servers.close();
    expect(isRunning(grandchild)).toBe(false);
  });

  it('leaves nothing behind when closed while starting', async () => {
    const { servers, state } = harness({ one: scripted({ silent: true }), two: scripted() });
    servers.start();
    await state((seen) => seen.name === 'two' && seen.status === 'ready');
    const pid = pidOf(servers.states()[1]);
    await servers.close();
    expect(isRunning(pid)).toBe(false);
    expect(servers.states().map((seen) => seen.status)).toEqual(['stopped', 'stopped']);
    expect([servers.offer('one'), servers.offer('two')]).toEqual([undefined, undefined]);
    await expect(servers.restart('one', AbortSignal.timeout(1_000))).resolves.toMatchObject([{ status: 'stopped' }]);
  });
});
