import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, bench, clientSide, LEGACY, replied, said } from './harness.js';

const MODERN_SERVER = { server: 'modern' } as const;
const STATE = 'state "one" \u00e9 \u2028 \\ /';
const name = (value: string) => ({ action: 'accept', content: { name: value } });
const MODEL = { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' };

function person({ method, params }: Asked) {
  return replied(method === 'sampling/createMessage' ? MODEL : name(String(params.message)));
}

describe('a legacy client, a modern server that wants input', () => {
  it('§7.14 asks while the call is open, and tries again with the exact state and this round’s answers', async () => {
    const { call, did } = await bench({ modern: { sampling: true } });
    const side = clientSide(person);
    const ended = await call('two-rounds', {}, { ...MODERN_SERVER, client: LEGACY, side });
    expect(said(ended)).toEqual({ state: `two:${STATE}`, responses: { b: name('second?'), c: MODEL } });
    expect(ended.value.resultType).toBeUndefined();
    expect(side.asked.map(({ method }) => method).sort()).toEqual([
      'elicitation/create',
      'elicitation/create',
      'sampling/createMessage',
    ]);
    const deeds = await did();
    expect(deeds.map(({ state }) => state)).toEqual([undefined, STATE, `two:${STATE}`]);
    expect(deeds[1]?.inputResponses).toEqual({ a: name('first?') });
    expect(new Set(deeds.map(({ id }) => id)).size).toBe(3);
  });

  it('§7.14 tries again by itself when there is a state alone', async () => {
    const { call, did } = await bench();
    expect(said(await call('state-only', {}, { ...MODERN_SERVER, client: LEGACY }))).toBe('after later');
    expect((await did()).map(({ inputResponses }) => inputResponses)).toEqual([undefined, undefined]);
  });

  it('gives clients of 2025-11-25 the id that their url mode needs', async () => {
    const { call } = await bench();
    const side = clientSide(() => replied({ action: 'accept' }));
    const ended = await call('ask-url', {}, { ...MODERN_SERVER, client: LEGACY, side });
    expect(said(ended)).toEqual({ a: { action: 'accept' } });
    expect(side.asked).toMatchObject([
      {
        params: { mode: 'url', url: 'https://example.com/x', elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      },
    ]);
  });

  it('takes an error for an elicitation as cancel, and ends the call for one of the model', async () => {
    const { call } = await bench({ modern: { sampling: true } });
    const side = clientSide(() => ({ kind: 'error', error: { code: -1, message: 'User rejected' } }));
    const over = { ...MODERN_SERVER, client: LEGACY, side };
    expect(said(await call('ask', {}, over))).toEqual({ a: { action: 'cancel' } });
    const model = await call('ask-model', {}, over);
    expect(model.value).toMatchObject({ isError: true });
    expect(String(said(model))).toContain('User rejected');
  });

  it('stops a server that never stops asking', async () => {
    const { call, did } = await bench();
    const over = { ...MODERN_SERVER, client: LEGACY, side: clientSide(person) };
    const ended = await call('ask-on', {}, over);
    expect(ended.value).toMatchObject({ isError: true });
    expect(await did()).toHaveLength(9);
  });

  it('§7.15 says what is missing to a client that lacks it or cannot be asked', async () => {
    const { call } = await bench();
    for (const client of [
      { ...LEGACY, capabilities: {} },
      { ...LEGACY, ask: 'none' },
    ] as const) {
      const ended = await call('ask', {}, { ...MODERN_SERVER, client });
      expect(ended).toMatchObject({ kind: 'result', value: { isError: true } });
      expect(String(said(ended))).toMatch(/elicitation/);
    }
  });

  it('answers roots from the config', async () => {
    const { call } = await bench({ modern: { roots: ['file:///projects'] } });
    const ended = await call('ask-roots', {}, { ...MODERN_SERVER, client: LEGACY });
    expect(said(ended)).toMatchObject({ r: { roots: [{ uri: 'file:///projects' }] } });
  });
});

describe('a modern client, a modern server that wants input', () => {
  const retry = (answer: Answer, inputResponses: object) => ({
    ...MODERN_SERVER,
    params: { requestState: answer.value.requestState, inputResponses },
  });

  it('§7.16 passes questions and states through byte for byte, after a restart too', async () => {
    const { call, did, restarted } = await bench({ modern: { sampling: true } });
    const first = await call('two-rounds', {}, MODERN_SERVER);
    expect(first.value.requestState).toBe(STATE);
    expect(Object.keys(first.value.inputRequests as object)).toEqual(['a']);
    const second = await restarted().call('two-rounds', {}, retry(first, { a: name('x') }));
    expect(Object.keys(second.value.inputRequests as object)).toEqual(['b', 'c']);
    const ended = await call('two-rounds', {}, retry(second, { b: name('y'), c: MODEL }));
    expect(said(ended)).toEqual({ state: `two:${STATE}`, responses: { b: name('y'), c: MODEL } });
    expect((await did()).map(({ state }) => state)).toEqual([undefined, STATE, `two:${STATE}`]);
    const only = await call('state-only', {}, MODERN_SERVER);
    expect(only.value).toMatchObject({ resultType: 'input_required', requestState: 'later' });
  });

  it('§7.16 answers roots of the config itself, alone and beside the client’s answers', async () => {
    const { call } = await bench({ modern: { roots: ['file:///projects'] } });
    const roots = { roots: [{ uri: 'file:///projects' }] };
    expect(said(await call('ask-roots', {}, MODERN_SERVER))).toMatchObject({ r: roots });
    const mixed = await call('ask-roots', { also: true }, MODERN_SERVER);
    expect(Object.keys(mixed.value.inputRequests as object)).toEqual(['a']);
    expect(mixed.value.requestState).not.toBe('rooted');
    const ended = await call('ask-roots', { also: true }, retry(mixed, { a: name('x') }));
    expect(said(ended)).toMatchObject({ r: roots, a: name('x') });
  });

  it('names the asking server where several share an endpoint, and leaves the state as it is', async () => {
    const { call } = await bench();
    const client = { endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    const asking = await call('two-rounds', {}, { ...MODERN_SERVER, client });
    expect(asking.value).toMatchObject({
      inputRequests: { a: { params: { message: '[laptop/notes] first?' } } },
      requestState: STATE,
    });
  });
});
