import { describe, expect, it } from 'vitest';
import { asking, client, form, modern, replying, result, seenUpTo, stateOf, tool } from './asking.js';
import { ready, TestClock } from './harness.js';

const URL_MODE = { elicitation: { form: {}, url: {} } };
const url = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Go', url: 'https://a.b/', elicitationId: 'e1' },
};
const sample = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } };

describe('a question during a call', () => {
  it('goes to the client of that call, and its reply back, byte for byte', async () => {
    const made = await ready({ one: asking() });
    const { asked, onAsk } = replying(async () => ({
      kind: 'result',
      json: Buffer.from('{"action":"accept",\n"content":{"n":1.0,"x":"é"}}'),
    }));
    const outcome = await tool(made, 'ask', form('Who?', { _meta: { more: 1 } }), { client: modern('a'), onAsk });
    expect(outcome).toEqual({ result: { action: 'accept', content: { n: 1, x: 'é' } } });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.method).toBe('elicitation/create');
    expect(JSON.parse(Buffer.from(asked[0]?.params ?? []).toString())).toEqual({
      ...form('Who?').params,
      _meta: { more: 1 },
    });
    expect(asked[0]?.signal.aborted).toBe(false);
  });

  it('may be answered with an error', async () => {
    const made = await ready({ one: asking() });
    const { onAsk } = replying(async () => ({ kind: 'error', error: { code: -7, message: 'no' } }));
    expect(await tool(made, 'ask', form('Who?'), { client: client('a'), onAsk })).toEqual({
      error: { code: -7, message: 'MCP error -7: no' },
    });
  });

  it('comes during resources/read too', async () => {
    const made = await ready({ one: asking() });
    const { asked, onAsk } = replying({ action: 'accept', content: {} });
    const uri = `test://ask?${encodeURIComponent(JSON.stringify(form('Which?')))}`;
    const read = (method: string, params: object) =>
      made.servers.request('one', method, Buffer.from(JSON.stringify(params)), {
        signal: new AbortController().signal,
        client: modern('a'),
        onAsk,
      });
    const outcome = await read('resources/read', { uri });
    expect(Buffer.from(outcome.kind === 'result' ? outcome.json : []).toString()).toContain('accept');
    expect(asked).toHaveLength(1);
  });

  it('is refused when there is no call', async () => {
    const made = await ready({ one: asking() });
    const params = Buffer.from(JSON.stringify(form('Who?')).replace('{', '{ "n":1.0,'));
    await made.servers.notify('one', 'notifications/test/ask', params, client('a'));
    const [notified, reply] = await seenUpTo(made, 'reply');
    expect(notified).toEqual(['notifications/test/ask', { n: 1, ...form('Who?') }]);
    expect(reply).toEqual(['reply', { action: 'cancel' }]);
  });

  it('is declared with all that any client may do, and no more', async () => {
    const plain = await ready({ one: asking() });
    const ui = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } } };
    const elicitation = { form: {}, url: {} };
    expect((await stateOf(plain)).declared).toEqual({ elicitation, ...ui });
    const more = await ready({ one: asking({ sampling: true, roots: ['file:///srv'] }) });
    expect((await stateOf(more)).declared).toEqual({
      elicitation,
      ...ui,
      roots: {},
      sampling: { tools: {}, context: {} },
    });
  });

  it('stops the clock of its call while a person thinks', async () => {
    const clock = new TestClock();
    const made = await ready({ one: asking({ timeout: 5 }) }, { clock });
    const timers = () => clock.waiting.filter(({ ms }) => ms === 5_000).length;
    const during: number[] = [];
    const { onAsk } = replying(async () => {
      during.push(timers());
      return result({ action: 'decline' });
    });
    expect(await tool(made, 'ask', form('Who?'), { client: client('a'), onAsk })).toEqual({
      result: { action: 'decline' },
    });
    expect(during).toEqual([0]);
    expect(timers()).toBe(0);
  });

  it('hears that it is alive, if its server wants to', async () => {
    const made = await ready({ one: asking() });
    const seen: unknown[] = [];
    const { onAsk } = replying(async (ask) => {
      for (let times = 0; times < 2; times += 1) {
        ask.progress();
        seen.push(...(await seenUpTo(made, 'progress')));
      }
      return result({ action: 'accept' });
    });
    await tool(made, 'ask', { ...form('Who?'), progress: true }, { client: client('a'), onAsk });
    expect(seen).toEqual([
      ['progress', 1],
      ['progress', 2],
    ]);
  });

  it('may be taken back by the server while its call goes on', async () => {
    const made = await ready({ one: asking() });
    let takenBack = (_: unknown) => {};
    const told = new Promise((resolve) => {
      takenBack = resolve;
    });
    const { asked, onAsk } = replying(
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            takenBack(signal.reason);
            resolve(result({ action: 'accept' }));
          });
        }),
    );
    const waits = tool(made, 'wait', { key: 'k', timeout: 50, ...form('Who?') }, { client: client('a'), onAsk });
    expect(await told).toMatchObject({ message: 'the server took its question back' });
    await tool(made, 'release', { key: 'k' });
    expect(await waits).toEqual({ aborted: false });
    expect(asked).toHaveLength(1);
    expect(await seenUpTo(made, 'reply')).toEqual([['reply', { code: -32001, message: expect.any(String) }]]);
  });

  it('is refused when whoever should pass it on fails', async () => {
    const made = await ready({ one: asking() });
    const onAsk = () => {
      throw new Error('broken');
    };
    expect(await tool(made, 'ask', form('Who?'), { client: client('a'), onAsk })).toEqual({
      result: { action: 'cancel' },
    });
  });

  it('ends with its call', async () => {
    const made = await ready({ one: asking() });
    const stop = new AbortController();
    const { asked, onAsk } = replying(() => {
      stop.abort(new Error('the client left'));
      return new Promise(() => {});
    });
    const hanging = tool(
      made,
      'wait',
      { key: 'k', ...form('Who?') },
      { client: client('a'), onAsk, signal: stop.signal },
    );
    await expect(hanging).rejects.toThrow('the client left');
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(await seenUpTo(made, 'reply')).toContainEqual(['reply', { action: 'cancel' }]);
  });

  it('is over when the server dies', async () => {
    const made = await ready({ one: asking() });
    const { asked, onAsk } = replying(async () => {
      void tool(made, 'die').catch(() => {});
      return new Promise(() => {});
    });
    const dying = tool(made, 'ask', form('Who?'), { client: client('a'), onAsk });
    await expect(dying).rejects.toMatchObject({ code: 'lost', dispatched: true });
    expect(asked[0]?.signal.aborted).toBe(true);
  });
});

describe('§7.12 a client that cannot be asked', () => {
  it.each([
    ['no elicitation', {}, form('Who?'), { result: { action: 'cancel' } }],
    ['no URLs', { elicitation: {} }, url, { error: { code: -32602 } }],
    ['no forms', { elicitation: { url: {} } }, form('Who?'), { error: { code: -32602 } }],
    ['no sampling', URL_MODE, sample, { error: { code: -1 } }],
    [
      'no sampling with tools',
      { sampling: {} },
      { ...sample, params: { ...sample.params, tools: [] } },
      { error: { code: -32602 } },
    ],
  ])('has %s', async (_, capabilities, question, expected) => {
    const made = await ready({ one: asking({ sampling: true }) });
    const { asked, onAsk } = replying({});
    expect(await tool(made, 'ask', question, { client: modern('a', { capabilities }), onAsk })).toMatchObject(expected);
    expect(asked).toEqual([]);
  });

  it('and one whose call takes no questions', async () => {
    const made = await ready({ one: asking() });
    expect(await tool(made, 'ask', form('Who?'), { client: client('a') })).toEqual({ result: { action: 'cancel' } });
  });

  it('is asked for samples only where the config says so', async () => {
    const made = await ready({ one: asking() });
    const { asked, onAsk } = replying({});
    const from = { client: client('a', { capabilities: { sampling: {} } }), onAsk };
    expect(await tool(made, 'ask', sample, from)).toMatchObject({ error: { code: -32601 } });
    expect(asked).toEqual([]);
    const allowed = await ready({ one: asking({ sampling: true }) });
    const answer = { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' };
    const other = { client: from.client, onAsk: replying(answer).onAsk };
    expect(await tool(allowed, 'ask', sample, other)).toEqual({ result: answer });
  });
});

describe('roots', () => {
  it('are the config’s, whoever calls', async () => {
    const made = await ready({ one: asking({ roots: ['file:///srv', 'file:///home'] }) });
    const roots = { method: 'roots/list' };
    expect(await tool(made, 'ask', roots)).toEqual({
      result: { roots: [{ uri: 'file:///srv' }, { uri: 'file:///home' }] },
    });
    expect(made.servers.askPolicy('one')).toEqual({
      roots: [{ uri: 'file:///srv' }, { uri: 'file:///home' }],
      sampling: false,
    });
    const none = await ready({ one: asking() });
    expect(await tool(none, 'ask', roots, { client: client('a', { capabilities: { roots: {} } }) })).toMatchObject({
      error: { code: -32601 },
    });
  });
});

describe('§7.13 a question among several calls', () => {
  const waiting = async (made: Awaited<ReturnType<typeof ready>>, key: string, context: object) => {
    const stop = new AbortController();
    let begun = () => {};
    const begins = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const ends = tool(made, 'wait', { key }, { signal: stop.signal, onNotification: () => begun(), ...context });
    ends.catch(() => {});
    return { begins, ends, stop };
  };

  it('of one client is about the latest whose client can be asked', async () => {
    const made = await ready({ one: asking() });
    const first = replying({ action: 'accept' });
    const second = replying({ action: 'decline' });
    const third = replying({ action: 'accept' });
    const one = await waiting(made, '1', { client: client('a'), onAsk: first.onAsk });
    await one.begins;
    await waiting(made, '2', { client: client('a', { session: 'other' }), onAsk: second.onAsk });
    const cannot = { client: client('a', { capabilities: {} }), onAsk: third.onAsk };
    expect(await tool(made, 'ask', form('Who?'), cannot)).toEqual({ result: { action: 'decline' } });
    expect([first, second, third].map(({ asked }) => asked.length)).toEqual([0, 1, 0]);
  });

  it('of different clients is refused, also where one of them cannot be asked or has just left', async () => {
    const made = await ready({ one: asking() });
    const { asked, onAsk } = replying({ action: 'accept' });
    const one = await waiting(made, '1', { client: client('a') });
    await one.begins;
    const ask = () => tool(made, 'ask', form('Who?'), { client: client('b'), onAsk });
    expect(await ask()).toEqual({ result: { action: 'cancel' } });
    one.stop.abort(new Error('left'));
    await expect(one.ends).rejects.toThrow('left');
    // A cancelled call of this SDK never answers, so the server may still be at it.
    expect(await ask()).toEqual({ result: { action: 'cancel' } });
    expect(asked).toEqual([]);
  });

  it('of different clients, one after the other, is not', async () => {
    const made = await ready({ one: asking() });
    await tool(made, 'state', {}, { client: client('a') });
    const { onAsk } = replying({ action: 'accept' });
    expect(await tool(made, 'ask', form('Who?'), { client: client('b'), onAsk })).toEqual({
      result: { action: 'accept' },
    });
  });
});
