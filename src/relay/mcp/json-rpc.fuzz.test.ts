import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../../test/helpers/fuzz.js';
import { jsonObject, jsonText } from '../../../test/helpers/json-text.js';
import { members } from '../../protocol/json-spans.js';
import { forwardParams } from './calls/forward-params.js';
import { isShape, type RpcMessage, rawMember, readBody } from './json-rpc.js';

/** The frame decoder and the quick path of a response have the whole time. */
const PART = 1 / 4;

/** What JSON-RPC means by it, by a real parser alone. */
function expectRead(message: RpcMessage, value: unknown): void {
  const { id, method, params, jsonrpc, ...rest }: Record<string, unknown> = isShape(value) ? value : {};
  const named = typeof id === 'string' || typeof id === 'number';
  const rpc = isShape(value) && jsonrpc === '2.0';
  const asks = rpc && typeof method === 'string' && method !== '' && (params === undefined || isShape(params));
  if (message.kind === 'request' || message.kind === 'notification') {
    expect(asks).toBe(true);
    expect(message.kind).toBe(id === undefined ? 'notification' : 'request');
    expect(message.method).toBe(method);
    // -0 is 0 to whoever compares ids.
    if (message.kind === 'request') expect(JSON.parse(message.id) === id).toBe(true);
    const raw = rawMember(message.raw, 'params');
    expect(raw === undefined ? undefined : JSON.stringify(JSON.parse(raw.toString('utf8')))).toBe(
      JSON.stringify(params),
    );
    expect(raw?.includes('\n') ?? false).toBe(false);
  } else if (message.kind === 'response') {
    expect(rpc && method === undefined && ('result' in rest || 'error' in rest)).toBe(true);
    expect(message.outcome).toBe('error' in rest ? 'error' : 'result');
    expect(message.id === undefined).toBe(!named);
    const raw = rawMember(message.raw, message.outcome);
    expect(JSON.stringify(JSON.parse(String(raw)))).toBe(JSON.stringify(rest[message.outcome]));
  } else {
    const answers = rpc && method === undefined && ('result' in rest || 'error' in rest);
    expect(answers || (asks && (id === undefined || named))).toBe(false);
  }
}

it(
  'a body is read as a real parser reads it',
  () => {
    const request = fc
      .tuple(jsonObject, fc.boolean())
      .map(([text, rpc]) => (rpc ? text.replace(/^\{(?=\s*")/, '{"jsonrpc":"2.0",') : text));
    const body = fc.oneof(
      request,
      jsonText,
      fc.array(request, { minLength: 1, maxLength: 4 }).map((all) => `[${all.join(', ')}]`),
    );
    fuzz(
      'body',
      fc.property(body, (text) => {
        const read = readBody(Buffer.from(text));
        let value: unknown;
        try {
          value = JSON.parse(Buffer.from(text).toString('utf8'));
        } catch {
          expect(read.kind).toBe('unreadable');
          return;
        }
        if (Array.isArray(value)) {
          if (read.kind !== 'batch') expect([read.kind, value.length]).toEqual(['unreadable', 0]);
          else for (const [index, message] of read.messages.entries()) expectRead(message, value[index]);
        } else if (read.kind === 'single') expectRead(read.message, value);
        else throw new Error(`${read.kind}: ${text}`);
      }),
      PART,
    );
  },
  FUZZ_MS,
);

it(
  'a name is put in where all readers agree on what was there, and nothing else is changed',
  () => {
    fuzz(
      'forwarded params',
      fc.property(jsonObject, (text) => {
        const given = Buffer.from(text);
        const before = members(given, 0, given.length) ?? [];
        const sent = forwardParams(given, ['name'], 'own "name"');
        const times = (name: string) => before.filter((member) => member.name === name).length;
        expect(sent === undefined).toBe(times('name') !== 1 || times('_meta') > 1);
        if (sent === undefined) return;
        const { _meta, ...rest } = JSON.parse(given.toString('utf8'));
        const { progressToken: _token, ...meta } = isShape(_meta) ? _meta : {};
        const { _meta: sentMeta, ...sentRest } = JSON.parse(sent.toString('utf8'));
        expect(sentRest).toEqual({ ...rest, name: 'own "name"' });
        if (isShape(_meta)) expect(sentMeta ?? {}).toEqual(meta);
        expect(members(sent, 0, sent.length)?.filter(({ name }) => name === 'name').length).toBe(1);
      }),
      PART,
    );
  },
  FUZZ_MS,
);
