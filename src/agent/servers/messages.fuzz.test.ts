import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../../test/helpers/fuzz.js';
import { jsonObject, jsonText } from '../../../test/helpers/json-text.js';
import { members } from '../../protocol/json-spans.js';
import { idOfCutResponse, readMessages, requestMessage, responseIds } from './messages.js';

/** The frame decoder and the quick path of a response have the whole time. */
const PART = 1 / 4;

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.nat(300).map((count) => 'x'.repeat(count)),
  fc
    .array(fc.constantFrom('"id":7', '\\', '"', 'é', '😀', '\u0001', '\n', '}', ',', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx'))
    .map((parts) => parts.join('')),
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.record({ content: fc.array(fc.record({ text })) }));
const member = fc.oneof(
  fc.tuple(fc.constant('id'), fc.oneof(fc.integer(), fc.string(), fc.constant(null))),
  fc.tuple(fc.constant('result'), value),
  fc.tuple(fc.constantFrom('jsonrpc', 'extra', 'r\u0065sult'), value),
  fc.tuple(text, value),
);
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const damage = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { freq: 3 });

/** The result of a response with a number as id, by a real parser: its last `id`, its last `result`. */
function parsed(json: Buffer): { readonly id: number; readonly result: unknown } | undefined {
  let message: unknown;
  try {
    message = JSON.parse(json.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return undefined;
  const { id, result, method }: { id?: unknown; result?: unknown; method?: unknown } = message;
  const response = typeof id === 'number' && typeof method !== 'string' && 'result' in message;
  return response ? { id, result } : undefined;
}

it(
  'finds the id and the result that a real parser finds, and none where that finds none',
  () => {
    const property = fc.property(fc.array(member, { maxLength: 5 }), space, damage, (members, pad, broken) => {
      const inner = members.map(([name, of]) => `${pad}${JSON.stringify(name)}${pad}:${pad}${JSON.stringify(of)}`);
      // What is not UTF-8 is replaced before it comes here, as the session does.
      let json = Buffer.from(`${pad}{${inner.join(`${pad},`)}${pad}}`);
      if (broken !== null) {
        json[broken[0] % json.length] = broken[1];
        json = Buffer.from(json.toString('utf8'));
      }
      const expected = parsed(json);
      const [read] = readMessages(Buffer.from(json)) ?? [];
      if (expected === undefined) expect(read?.kind).not.toBe('result');
      else {
        if (read?.kind !== 'result') throw new Error(`no result in ${json.toString('utf8')}`);
        expect(read.id).toBe(expected.id);
        expect(JSON.parse(read.json.toString('utf8'))).toEqual(expected.result);
        expect(read.json.includes('\n') || read.json.includes('\r')).toBe(false);
      }
    });
    fuzz('quick path', property);
  },
  FUZZ_MS,
);

interface Read {
  readonly kind: string;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
}

/** What a message is, by a real parser alone; undefined: none. */
function meant(value: unknown): Read | undefined {
  if (!isObject(value)) return undefined;
  const { id, method, params, error } = value;
  if (typeof method === 'string') {
    if (typeof id === 'string' || typeof id === 'number') return { kind: 'request', id, method, params };
    return { kind: 'notification', method, params: isObject(params) ? params : {} };
  }
  if (typeof id !== 'number') return undefined;
  if ('result' in value) return { kind: 'result', id, params: value.result };
  return isObject(error) ? { kind: 'error', id } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

it(
  'whatever a server writes is what a real parser takes it for, batches too',
  () => {
    fuzz(
      'messages',
      fc.property(jsonText, (text) => {
        const json = Buffer.from(text);
        const value: unknown = JSON.parse(json.toString('utf8'));
        const expected = (Array.isArray(value) ? value : [value]).map(meant).filter((one) => one !== undefined);
        const ids = responseIds(Buffer.from(json));
        const read = (readMessages(Buffer.from(json)) ?? []).map((message): Read => {
          if (message.kind === 'result') return { kind: 'result', id: message.id, params: parse(message.json) };
          if (message.kind === 'error') return { kind: 'error', id: message.id };
          const { kind, method } = message;
          if (kind === 'notification') return { kind, method, params: message.params };
          const params = message.params.length === 0 ? undefined : parse(message.params);
          return { kind, id: JSON.parse(message.id), method, params };
        });
        expect(read.map(textOf)).toEqual(expected.map(textOf));
        // Who has an answer is told twice: by the transport, and by the session.
        for (const { kind, id } of expected)
          if (kind === 'result' || kind === 'error') expect([...ids, ...oddIds(value)]).toContain(id);
        if (Array.isArray(value)) return;
        const cut = idOfCutResponse(json.subarray(0, json.length - 1), json.subarray(-40));
        if (cut !== undefined && isObject(value) && !hasTwice(json)) expect(cut).toBe(value.id);
      }),
      PART,
    );
  },
  FUZZ_MS,
);

const textOf = (read: Read | undefined) => JSON.stringify(read);
const parse = (json: Uint8Array): unknown => JSON.parse(Buffer.from(json).toString('utf8'));
/** Of answers that also have a `method` which is no name of one. */
const oddIds = (value: unknown) => [value].flat().flatMap((one) => (isObject(one) && 'method' in one ? [one.id] : []));
const hasTwice = (json: Buffer) => {
  const names = (members(json, 0, json.length) ?? []).map(({ name }) => name);
  return new Set(names).size < names.length;
};

it(
  'a request has this hop\u2019s own keys once, and all else as it came',
  () => {
    const own = { progressToken: 7, 'io.modelcontextprotocol/logLevel': 'info' };
    fuzz(
      'requests',
      fc.property(jsonObject, fc.boolean(), (text, asks) => {
        const given = JSON.parse(Buffer.from(text).toString('utf8'));
        const sent = requestMessage(5, 'm', Buffer.from(text), asks ? own : {});
        if (sent === undefined) throw new Error(`refused: ${text}`);
        const message = JSON.parse(sent.toString('utf8'));
        expect([message.id, message.method, Object.keys(message).length]).toEqual([5, 'm', 4]);
        expect(sent.includes('\n') || sent.includes('\r')).toBe(false);
        const { _meta, ...rest } = given;
        const { _meta: sentMeta, ...sentRest } = message.params;
        expect(textOf(sentRest)).toBe(textOf(rest));
        if (_meta !== undefined && !isObject(_meta)) return;
        const { progressToken: _theirs, ...kept } = _meta ?? {};
        const { progressToken, 'io.modelcontextprotocol/logLevel': logLevel, ...others } = sentMeta ?? {};
        expect(textOf(others)).toBe(textOf(kept));
        expect([progressToken, logLevel]).toEqual(asks ? [7, 'info'] : [undefined, undefined]);
        const times = sent.toString('utf8').split('"progressToken":7').length - 1;
        if (asks) expect(times).toBeGreaterThan(0);
      }),
      PART,
    );
  },
  FUZZ_MS,
);
