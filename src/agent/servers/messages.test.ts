import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOfCutResponse, readMessages, requestMessage, responseMessage, withHopMeta } from './messages.js';

const splice = (text: string, token?: number) =>
  withHopMeta(Buffer.from(text), token === undefined ? {} : { progressToken: token })?.toString();

describe('readMessages', () => {
  it('keeps a result as it was written, on one line', () => {
    const [message] =
      readMessages(
        Buffer.from('{"id":3,\r\n"result":{"n":12345678901234567890,\r\n\t"s":"a\\nb"},"jsonrpc":"2.0"}\r'),
      ) ?? [];
    expect(message?.kind).toBe('result');
    expect(message?.kind === 'result' && message.json.toString()).toBe('{"n":12345678901234567890,  \t"s":"a\\nb"}');
  });

  it('reads errors, requests, notifications and batches', () => {
    const text = `[{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no","data":{"a":1}}},
      {"jsonrpc":"2.0","id":"s","method":"ping"},{"id":1e400,"method":"x","params":{\n"n":1.0}},{"jsonrpc":"2.0","method":"n","params":{"x":1}},7]`;
    expect(readMessages(Buffer.from(text))).toEqual([
      { kind: 'error', id: 1, error: { code: -1, message: 'no', data: { a: 1 } } },
      { kind: 'request', id: '"s"', method: 'ping', params: Buffer.alloc(0) },
      { kind: 'request', id: '1e400', method: 'x', params: Buffer.from('{ "n":1.0}') },
      { kind: 'notification', method: 'n', params: { x: 1 } },
    ]);
  });

  it.each(['hello', '', '{}', '[]', '[1]', '{"id":1}', '{"id":"1","result":{}}', '{"id":1,"result":{}'])(
    'refuses %j',
    (text) => {
      expect(readMessages(Buffer.from(text))).toBeUndefined();
    },
  );
});

describe('nesting that cannot be written again', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  it('does not get past, but in results, which stay bytes', () => {
    expect(readMessages(Buffer.from(`{"method":"n","params":{"a":${deep}}}`))).toBeUndefined();
    expect(readMessages(Buffer.from(`{"id":1,"error":{"code":1,"message":"m","data":${deep}}}`))).toEqual([
      { kind: 'error', id: 1, error: { code: 1, message: 'm' } },
    ]);
    expect(readMessages(Buffer.from(`{"id":1,"result":${deep}}`))).toMatchObject([{ kind: 'result' }]);
  });

  it('does not get past either where it can just be written: whoever writes it may have less stack left', () => {
    const told = (depth: number) =>
      readMessages(Buffer.from(`{"method":"n","params":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`));
    expect(told(250)).toMatchObject([{ kind: 'notification' }]);
    for (const depth of [300, 1000, 3000, 4000]) expect(told(depth)).toBeUndefined();
  });
});

describe('withHopMeta', () => {
  it('replaces, inserts and removes ours and nothing else', () => {
    expect(splice('{ "name" : "x" }', 5)).toBe('{"_meta":{"progressToken":5}, "name" : "x" }');
    expect(splice('{}', 5)).toBe('{"_meta":{"progressToken":5}}');
    expect(splice('{"_meta":{"a":1, "progressToken":"theirs" ,"b":2}}', 5)).toBe(
      '{"_meta":{"progressToken":5,"a":1 ,"b":2}}',
    );
    expect(splice('{"_meta":{"progressToken":1,"b":2},"n":12345678901234567890}')).toBe(
      '{"_meta":{"b":2},"n":12345678901234567890}',
    );
    expect(splice('{"_meta":{"a":1,"progress\\u0054oken":1}}')).toBe('{"_meta":{"a":1}}');
    expect(splice('{"_meta":{"progressToken":1}}')).toBe('{"_meta":{}}');
    expect(splice('{"arguments":{"_meta":{"progressToken":1}}}')).toBe('{"arguments":{"_meta":{"progressToken":1}}}');
    expect(splice('{"_meta":null}', 5)).toBe('{"_meta":null}');
    expect(splice('[1]', 5)).toBeUndefined();
  });

  it('leaves the rest of any params as they were', () => {
    // As JSON has it: there is no -0 in what JSON.stringify writes.
    const json = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));
    const key = fc.string().filter((name) => name !== '_meta');
    const meta = fc.dictionary(fc.constantFrom('a', 'progressToken', 'b'), fc.jsonValue()).map(json);
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()).map(json), maybe(meta), maybe(fc.nat()), (params, own, token) => {
        const text = JSON.stringify(own ? { ...params, _meta: own } : params);
        const { progressToken: _theirs, ...rest } = own ?? {};
        const after = { ...rest, ...(token === undefined ? {} : { progressToken: token }) };
        const expected = own || token !== undefined ? { ...params, _meta: after } : params;
        expect(JSON.parse(splice(text, token) ?? 'null')).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('takes a modern envelope off for a legacy server, and puts ours on for a modern one', () => {
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    };
    const params = JSON.stringify({
      _meta: { ...envelope, progressToken: 't', 'io.modelcontextprotocol/logLevel': 'debug', traceparent: '00-1' },
      name: 'x',
    });
    expect(withHopMeta(Buffer.from(params), {})?.toString()).toBe('{"_meta":{"traceparent":"00-1"},"name":"x"}');
    const ours = withHopMeta(Buffer.from(params), { ...envelope, progressToken: 7, unset: undefined });
    expect(ours?.toString()).toBe(
      `{"_meta":{${JSON.stringify(envelope).slice(1, -1)},"progressToken":7,"traceparent":"00-1"},"name":"x"}`,
    );
    expect(requestMessage(1, 'x', Buffer.alloc(0), { a: 1 })?.toString()).toContain('"params":{"_meta":{"a":1}}');
  });

  it('takes out what is written twice', () => {
    expect(
      splice(
        '{"_meta":{"progressToken":1,"progressToken":2,"a":1,"progressToken":3},"_meta":{"b":1,"progressToken":4}}',
      ),
    ).toBe('{"_meta":{"a":1},"_meta":{"b":1}}');
  });

  it('makes one line of a request', () => {
    const text = requestMessage(1, 'a"b', Buffer.from('{\n"n":1.0\r\n}'), {})?.toString();
    expect(text).toBe('{"jsonrpc":"2.0","id":1,"method":"a\\"b","params":{ "n":1.0  }}');
    expect(requestMessage(1, 'ping', Buffer.alloc(0), {})?.toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    expect(requestMessage(1, 'x', Buffer.from('{]'), {})).toBeUndefined();
  });
});

describe('responseMessage', () => {
  it('answers under the very id, with the very result', () => {
    const json = Buffer.from('{"n":12345678901234567890,\n"a":1}');
    expect(responseMessage('12345678901234567890', { kind: 'result', json }).toString()).toBe(
      '{"jsonrpc":"2.0","id":12345678901234567890,"result":{"n":12345678901234567890, "a":1}}',
    );
    expect(responseMessage('"x"', { kind: 'error', error: { code: 1, message: 'm' } }).toString()).toBe(
      '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}',
    );
  });
});

describe('idOfCutResponse', () => {
  const id = (head: string, tail: string) => idOfCutResponse(Buffer.from(head), Buffer.from(tail));
  it('finds the id at either end', () => {
    expect(id('{"jsonrpc":"2.0","id":9,"result":{"a":"', '"}}')).toBe(9);
    expect(id('{"jsonrpc":"2.0","result":{"a":"', 'xx"}, "id" : 10 }')).toBe(10);
    expect(id('{"result":{"a":"', 'xx"},"id":11,"jsonrpc":"2.0"}')).toBe(11);
  });
  it('takes no id from within', () => {
    expect(id('{"jsonrpc":"2.0","result":{"a":"', '"b":{"id":5}}}')).toBeUndefined();
    expect(id('{"jsonrpc":"2.0","result":{"a":"', ',\\"id\\":5}"}}')).toBeUndefined();
    expect(id('{"jsonrpc":"2.0","id":1,"method":"x","params":{"', '"}}')).toBeUndefined();
    expect(id('garbage', 'garbage')).toBeUndefined();
  });
});
