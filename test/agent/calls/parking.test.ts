import { describe, expect, it } from 'vitest';
import { TestClock } from '../../servers/harness.js';
import { type Answer, answerOf, bench, clientSide, LEGACY, MODERN, said } from './harness.js';

const PARKED_MS = 10 * 60_000;
const accepted = (name: string) => ({ action: 'accept', content: { name } });
const retry = (answer: Answer, inputResponses: object) => ({
  params: { requestState: answer.value.requestState, inputResponses },
});
const INVALID = { kind: 'error', value: { code: -32602, message: 'Invalid or expired requestState' } };

describe('a modern client, a legacy server that asks', () => {
  it('§7.8 ends the request with the question, and resumes the same running call with the answer', async () => {
    const { call, did } = await bench();
    const asking = await call('ask', { message: 'who?' });
    expect(asking.value).toMatchObject({
      resultType: 'input_required',
      inputRequests: { q1: { method: 'elicitation/create', params: { message: 'who?' } } },
    });
    const ended = await call('ask', { message: 'who?' }, retry(asking, { q1: accepted('Ann'), other: 1 }));
    expect(ended.value.resultType).toBe('complete');
    expect(said(ended)).toEqual([accepted('Ann')]);
    expect(await did()).toEqual([{ began: 'who?' }, { reply: accepted('Ann') }, { ended: 'who?' }]);
  });

  it('§7.8 takes several rounds, each with a state of its own', async () => {
    const { call, did } = await bench();
    const args = { message: 'and?', times: 3 };
    const seen = new Set<unknown>();
    let answer = await call('ask', args);
    for (const name of ['a', 'b', 'c']) {
      const [key = ''] = Object.keys(answer.value.inputRequests as object);
      seen.add(answer.value.requestState);
      answer = await call('ask', args, retry(answer, { [key]: accepted(name) }));
    }
    expect(said(answer)).toEqual(['a', 'b', 'c'].map(accepted));
    expect(seen.size).toBe(3);
    expect((await did()).filter((deed) => 'began' in deed)).toHaveLength(1);
  });

  it('§7.8 gives questions that come together as one map, and asks the rest again', async () => {
    const { call } = await bench();
    const asking = await call('ask-two');
    expect(Object.keys(asking.value.inputRequests as object)).toEqual(['q1', 'q2']);
    const half = await call('ask-two', {}, retry(asking, { q1: accepted('one'), q2: { action: 'maybe' } }));
    expect(half.value).toMatchObject({ inputRequests: { q2: { params: { message: 'second' } } } });
    expect(Object.keys(half.value.inputRequests as object)).toEqual(['q2']);
    const none = await call('ask-two', {}, { params: { requestState: half.value.requestState } });
    expect(none.value.requestState).not.toBe(half.value.requestState);
    const ended = await call('ask-two', {}, retry(none, { q2: accepted('two') }));
    expect(said(ended)).toEqual([accepted('one'), accepted('two')]);
  });

  it('§7.8 gives the result of a call whose server took its question back while it waited', async () => {
    const { call, until, did } = await bench();
    const asking = await call('ask-impatiently');
    expect(asking.value.resultType).toBe('input_required');
    await until((deed) => 'gaveUp' in deed);
    expect(said(await call('ask-impatiently', {}, retry(asking, { q1: accepted('Ann') })))).toBe('without you, then');
    expect(await did()).toHaveLength(1);
  });

  it.each([
    ['prompts/get', { name: 'asking' }],
    ['resources/read', { uri: 'file:///asked' }],
  ])('§7.8 serves %s as it does tools', async (method, params) => {
    const { call, restarted } = await bench();
    const asking = await call('', {}, { head: { method }, params });
    expect(asking.value).toMatchObject({ resultType: 'input_required' });
    expect(asking.value).not.toHaveProperty('ttlMs');
    const given = { ...params, ...retry(asking, { q1: accepted('Ann') }).params };
    const ended = await call('', {}, { head: { method }, params: given });
    expect(ended.json).toContain('"text":"Ann"');
    const again = await call('', {}, { head: { method }, params });
    const late = { ...params, ...retry(again, { q1: accepted('Ann') }).params };
    expect(await restarted().call('', {}, { head: { method }, params: late })).toMatchObject({
      kind: 'error',
      value: { code: -32603 },
    });
  });

  it('§7.8 tells the server that its question is alive', async () => {
    const clock = new TestClock();
    const { call, until } = await bench({ clock });
    const asking = await call('ask-patiently');
    clock.fire(15_000);
    clock.fire(15_000);
    await until(({ alive }) => alive === 2);
    expect(said(await call('ask-patiently', {}, retry(asking, { q1: accepted('Ann') })))).toEqual(accepted('Ann'));
  });

  it('§7.9 refuses a requestState that was changed, used before, is another’s or another request’s', async () => {
    const { call, did } = await bench();
    const args = { message: 'who?' };
    const asking = await call('ask', args);
    const state = String(asking.value.requestState);
    const answers = { inputResponses: { q1: accepted('Eve') } };
    const middle = Math.floor(state.length / 2);
    const changed = `${state.slice(0, middle)}${state[middle] === 'A' ? 'B' : 'A'}${state.slice(middle + 1)}`;
    const given = (requestState: unknown) => ({ params: { requestState, ...answers } });
    expect(await call('ask', args, given(changed))).toMatchObject(INVALID);
    expect(await call('ask', args, given('anything'))).toMatchObject(INVALID);
    expect(await call('ask', args, given(7))).toMatchObject(INVALID);
    expect(await call('ask', { message: 'else' }, given(state))).toMatchObject(INVALID);
    expect(await call('ask-two', {}, given(state))).toMatchObject(INVALID);
    expect(await call('ask', args, { ...given(state), client: { id: 'client-2' } })).toMatchObject(INVALID);
    expect(await call('ask', args, { ...given(state), client: { endpoint: 'aggregate' } })).toMatchObject(INVALID);
    expect(await did()).toEqual([{ began: 'who?' }]);
    const ended = await call('ask', args, retry(asking, { q1: accepted('Ann') }));
    expect(said(ended)).toEqual([accepted('Ann')]);
    expect(await call('ask', args, given(state))).toMatchObject(INVALID);
    expect((await did()).filter((deed) => 'began' in deed)).toHaveLength(1);
  });

  it('§7.9 §7.10 cancels a question nobody comes back for, then the call, and its state is of no use', async () => {
    const clock = new TestClock();
    const { call, did, until, servers } = await bench({ clock });
    const asking = await call('ask', { message: 'who?', times: 2 });
    clock.fire(PARKED_MS);
    await until((deed) => 'cancelled' in deed);
    expect(await did()).toContainEqual({ reply: { action: 'cancel' } });
    const late = await call('ask', { message: 'who?', times: 2 }, retry(asking, { q1: accepted('Ann') }));
    expect(late).toMatchObject(INVALID);
    expect(clock.waiting.filter(({ ms }) => ms === PARKED_MS || ms === 15_000)).toEqual([]);
    expect(servers.states().find(({ name }) => name === 'legacy')?.starts).toBe(1);
  });

  it('§7.11 tells honestly that a call was lost with the agent that held it, and does not run it again', async () => {
    const { call, did, restarted } = await bench();
    const asking = await call('ask', { message: 'who?' });
    const next = restarted();
    const lost = await next.call('ask', { message: 'who?' }, retry(asking, { q1: accepted('Ann') }));
    expect(lost.value).toMatchObject({ isError: true, resultType: 'complete' });
    expect(String(said(lost))).toContain('call the tool again');
    expect(await did()).toEqual([{ began: 'who?' }]);
  });

  it('§7.11 tells of a server that ended while its call waited', async () => {
    const { call, until, did } = await bench();
    const asking = await call('ask-then-die');
    expect(asking.value.resultType).toBe('input_required');
    await until((deed) => deed.began === 'die');
    const lost = await call('ask-then-die', {}, retry(asking, { q1: accepted('Ann') }));
    expect(lost.value).toMatchObject({ isError: true });
    expect(String(said(lost))).toContain('outcome unknown');
    expect(await did()).toEqual([{ began: 'die' }]);
  });

  it('§7.12 asks nothing the client did not declare', async () => {
    const { call } = await bench({ legacy: { sampling: true } });
    const none = await call('ask', { message: 'who?' }, { client: { capabilities: {} } });
    expect(said(none)).toEqual([{ action: 'cancel' }]);
    const form = await call('ask-url', {}, { client: { capabilities: { elicitation: {} } } });
    expect(said(form)).toEqual({ failed: { code: -32602 } });
    const model = await call('ask-model', {}, { client: { capabilities: { elicitation: {} } } });
    expect(said(model)).toMatchObject({ code: -1 });
  });

  it('§7.12 asks no client’s model unless the config allows it, and gives no roots but the config’s', async () => {
    const shut = await bench();
    expect(said(await shut.call('ask-model'))).toMatchObject({ code: expect.any(Number) });
    const open = await bench({ legacy: { sampling: true, roots: ['file:///projects'] } });
    const asking = await open.call('ask-model');
    expect(asking.value.inputRequests).toMatchObject({
      q1: { method: 'sampling/createMessage', params: { maxTokens: 10, includeContext: 'none' } },
    });
    const reply = { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' };
    expect(said(await open.call('ask-model', {}, retry(asking, { q1: reply })))).toMatchObject(reply);
    expect(said(await open.call('ask-roots'))).toMatchObject({ roots: [{ uri: 'file:///projects' }] });
  });

  it('§7.13 asks the client whose call it is, of two calls of one client, and none of two clients', async () => {
    const { call, until } = await bench();
    const first = call('ask', { message: 'mine' });
    await until((deed) => deed.began === 'mine');
    const asking = await first;
    const other = await call('ask', { message: 'theirs' }, { client: { id: 'client-2', session: 'client-2' } });
    expect(said(other)).toEqual([{ action: 'cancel' }]);
    const again = await call('ask', { message: 'mine too' });
    expect(again.value.inputRequests).toMatchObject({ q1: { params: { message: 'mine too' } } });
    const ended = await call('ask', { message: 'mine' }, retry(asking, { q1: accepted('Ann') }));
    expect(said(ended)).toEqual([accepted('Ann')]);
  });

  it('§7.23 cancels the call when the client leaves while it runs, not while it waits', async () => {
    const { call, until, did } = await bench();
    const args = { message: 'who?', times: 2 };
    const first = clientSide();
    const asking = await call('ask', args, { side: first });
    first.leave.abort(new Error('gone'));
    const second = clientSide();
    const attached = await call('ask', args, { ...retry(asking, { q1: accepted('Ann') }), side: second });
    expect(attached.value.resultType).toBe('input_required');
    expect((await did()).some((deed) => 'cancelled' in deed)).toBe(false);
    const third = clientSide();
    const last = call('ask', args, { params: { requestState: attached.value.requestState }, side: third });
    third.leave.abort(new Error('gone'));
    await expect(last).rejects.toThrow('gone');
    await until((deed) => 'cancelled' in deed);
  });

  it('§7.24 tells progress under the token of the request that is attached', async () => {
    const { call } = await bench();
    const [first, second] = [clientSide(), clientSide()];
    const asking = await call('ask-between-progress', {}, { side: first, head: { progressToken: 'one' } });
    const over = { ...retry(asking, { q1: accepted('Ann') }), side: second, head: { progressToken: 2 } };
    expect(said(await call('ask-between-progress', {}, over))).toBe('done');
    const told = (events: Record<string, unknown>[]) => events.map(({ params }) => params);
    expect(told(first.events)).toEqual([{ progressToken: 'one', progress: 1 }]);
    expect(told(second.events)).toEqual([2, 3].map((progress) => ({ progressToken: 2, progress })));
  });

  it('names the asking server where several share an endpoint, and drops the ids of its own hop', async () => {
    const { call } = await bench();
    const client = { endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    const asking = await call('ask-url', {}, { client });
    expect(asking.value.inputRequests).toEqual({
      q1: {
        method: 'elicitation/create',
        params: { mode: 'url', message: '[laptop/notes] Sign in', url: 'https://example.com/sign-in' },
      },
    });
    const ended = await call('ask-url', {}, { client, ...retry(asking, { q1: { action: 'accept' } }) });
    expect(said(ended)).toEqual({ action: 'accept' });
  });

  it('puts no question to the client that is larger than any client is told of', async () => {
    const { call } = await bench();
    const ended = await call('ask', { message: 'x'.repeat(5 * 1024 * 1024) });
    expect(said(ended)).toEqual([{ failed: { code: -32603 } }]);
  });

  it('forgets the waiting calls of a session that ended', async () => {
    const { call, until, runner } = await bench();
    const asking = await call('ask', { message: 'who?' });
    const head = { server: '', method: 'agent/end-session', client: MODERN };
    const params = Buffer.from(JSON.stringify({ session: MODERN.session }));
    expect(answerOf(await runner.run(head, params, clientSide().output)).value).toEqual({});
    await until((deed) => 'ended' in deed || 'cancelled' in deed);
    const lost = await call('ask', { message: 'who?' }, retry(asking, { q1: accepted('Ann') }));
    expect(String(said(lost))).toContain('call the tool again');
  });

  it('asks for URLs that must be visited first, and sends the request again once they were', async () => {
    const { call, did } = await bench();
    const asking = await call('visit-first');
    const params = { mode: 'url', message: 'Sign in', url: 'https://example.com/visit' };
    expect(asking.value).toMatchObject({
      resultType: 'input_required',
      inputRequests: { url1: { method: 'elicitation/create', params } },
    });
    const again = await call('visit-first', {}, retry(asking, {}));
    expect(again.value.inputRequests).toEqual(asking.value.inputRequests);
    expect(await did()).toEqual([{ visit: 1 }]);
    const visited = retry(again, { url1: { action: 'accept' } });
    expect(said(await call('visit-first', {}, visited))).toBe('visited after 2');
    expect(await call('visit-first', {}, visited)).toMatchObject(INVALID);
    const declined = await call('visit-first', {}, retry(await call('visit-first'), { url1: { action: 'decline' } }));
    expect(declined.value).toMatchObject({ isError: true });
    expect(await did()).toEqual([{ visit: 1 }, { visit: 2 }, { visit: 3 }]);
  });

  it('gives URLs that must be visited to a legacy client that knows of them, and a text to others', async () => {
    const { call } = await bench();
    const known = await call('visit-first', {}, { client: LEGACY });
    expect(known).toMatchObject({ kind: 'error', value: { code: -32042 } });
    await call('visit-first', {}, { client: LEGACY });
    const older = await call('visit-first', {}, { client: { ...LEGACY, capabilities: { elicitation: {} } } });
    expect(older).toMatchObject({ kind: 'result', value: { isError: true } });
  });
});
