import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementSpans, leadingSpans, memberSpan, members, topLevelSpans } from './json-spans.js';

const bytes = (text: string) => Buffer.from(text, 'utf8');
const at = (text: string, name: string) => {
  const json = bytes(text);
  const span = topLevelSpans(json)?.get(name);
  return span && json.subarray(...span).toString('utf8');
};

/** JSON text with whitespace anywhere it may stand and escapes anywhere they may stand. */
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const loose = (text: string, pad: string, escapes: boolean) =>
  text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g, (token) => {
    if (!token.startsWith('"')) return /^[{}[\],:]$/.test(token) ? pad + token + pad : token;
    if (!escapes) return token;
    return token.replace(/(?<!\\)[A-Z]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
  });

describe('topLevelSpans', () => {
  it('finds the members of a message', () => {
    const text = '{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a}\\"b"}]}}';
    expect(at(text, 'id')).toBe('7');
    expect(at(text, 'result')).toBe('{"content":[{"type":"text","text":"a}\\"b"}]}');
    expect(at(text, 'error')).toBeUndefined();
  });

  it('keeps numbers as written', () => {
    expect(at('{"result": {"n":123456789012345678901234567890, "x":-0.10e+400} }', 'result')).toBe(
      '{"n":123456789012345678901234567890, "x":-0.10e+400}',
    );
  });

  it('reads escapes in keys, takes the last of a repeated one', () => {
    expect(at('{"re\\u0073ult":1,"id":2}', 'result')).toBe('1');
    expect(at('{"result":1,"re\\u0073ult":[2]}', 'result')).toBe('[2]');
    expect(at('{"\ufeffid":3}', '\ufeffid')).toBe('3');
    expect(at('{"__proto__":1}', '__proto__')).toBe('1');
  });

  it.each([
    '',
    '[]',
    '1',
    '{',
    '{"a":1',
    '{"a":1}x',
    '{"a":1,}',
    '{,"a":1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":1e}',
    '{"a":+1}',
    '{"a":-}',
    '{"a":nul}',
    '{"a":nullx}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\n"}',
    '{"a":[1 2]}',
    '{"a":[1,]}',
    '{"a":[}',
    '{"a":{]}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '\ufeff{"a":1}',
    '{"a":NaN}',
    '{"a":"unterminated}',
  ])('refuses %j', (text) => {
    expect(topLevelSpans(bytes(text))).toBeUndefined();
  });

  it('knows at any depth which bracket closes', () => {
    for (let depth = 1; depth <= 130; depth += 1) {
      // Irregular, so that no two levels far apart are the same by chance.
      const kinds = Array.from({ length: depth }, (_, level) => (level * level + level * 3) % 7 < 3);
      const opened = kinds.map((object) => (object ? '{"k":' : '[')).join('');
      const closers = kinds.map((object) => (object ? '}' : ']')).reverse();
      const whole = (ends: readonly string[]) => topLevelSpans(bytes(`{"a":${opened}1${ends.join('')}}`));
      expect(whole(closers)?.get('a')).toEqual([5, 5 + opened.length + 1 + depth]);
      const wrong = (at: number) => closers.map((end, index) => (index === at ? (end === '}' ? ']' : '}') : end));
      for (let at = 0; at < depth; at += 1) expect(whole(wrong(at))).toBeUndefined();
    }
  });

  it('takes nesting of any depth', () => {
    const depth = 2_000_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(at(`{"a":${nested},"id":1}`, 'id')).toBe('1');
    expect(topLevelSpans(bytes(`{"a":${'['.repeat(depth)}${']'.repeat(depth - 1)}}`))).toBeUndefined();
  });

  it('agrees with JSON.parse on every member of every object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        space,
        fc.boolean(),
        (value, pad, escapes) => {
          const text = loose(JSON.stringify(value), pad, escapes);
          const parsed: unknown = JSON.parse(text);
          const json = bytes(text);
          const found = topLevelSpans(json);
          const rebuilt = [...(found ?? [])].map(([name, [start, end]]) => [
            name,
            JSON.parse(json.toString('utf8', start, end)),
          ]);
          expect(found).toBeDefined();
          expect(Object.fromEntries(rebuilt)).toEqual(parsed);
          for (const [start, end] of found?.values() ?? []) {
            expect(json.toString('utf8', start, end)).toBe(json.toString('utf8', start, end).trim());
          }
        },
      ),
    );
  });

  it('accepts what JSON.parse accepts and nothing else, one byte changed', () => {
    const alphabet = '{}[],:"\\0123456789.eE+-truefalsn \n\t\u0001/bx';
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 })),
        fc.nat(),
        fc.constantFrom(...alphabet),
        fc.constantFrom('replace', 'insert', 'remove'),
        (value, where, letter, how) => {
          const before = JSON.stringify(value);
          const index = where % before.length;
          const text =
            before.slice(0, index) +
            (how === 'remove' ? '' : letter) +
            before.slice(how === 'insert' ? index : index + 1);
          let parsed: unknown;
          try {
            parsed = JSON.parse(text);
          } catch {
            // stays undefined: not JSON
          }
          const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
          expect(topLevelSpans(bytes(text)) !== undefined, text).toBe(isObject);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('inside a span', () => {
  it('finds a member of an object within a larger text', () => {
    const json = bytes('{"method":"tools/call","params": {"arguments":{"name":"no"},"name":"no","na\\u006de":"yes"} }');
    const params = topLevelSpans(json)?.get('params');
    expect(params).toBeDefined();
    const name = params && memberSpan(json, params[0], params[1], 'name');
    expect(name && json.toString('utf8', ...name)).toBe('"yes"');
    expect(params && memberSpan(json, params[0], params[1], 'other')).toBeUndefined();
    expect(params && members(json, ...params)?.map((member) => member.name)).toEqual(['arguments', 'name', 'name']);
  });

  it('does not look past the span', () => {
    const json = bytes('{"a":{"b":1}}');
    expect(memberSpan(json, 5, 11, 'b')).toBeUndefined();
    expect(memberSpan(json, 5, 12, 'b')).toEqual([10, 11]);
  });

  it('lists the elements of an array', () => {
    const json = bytes(' [ {"a":[1,2]} ,3, "x" ] ');
    expect(elementSpans(json, 0, json.length)?.map((span) => json.toString('utf8', ...span))).toEqual([
      '{"a":[1,2]}',
      '3',
      '"x"',
    ]);
    expect(elementSpans(bytes('[]'), 0, 2)).toEqual([]);
    for (const bad of ['[1', '[1,]', '[1]]', '{}', '[,1]'])
      expect(elementSpans(bytes(bad), 0, bad.length)).toBeUndefined();
  });

  it('reads what is complete of a cut object', () => {
    const head = bytes('{"jsonrpc":"2.0","id":12,"result":{"content":[{"text":"aaaa');
    const id = leadingSpans(head).get('id');
    expect(id && head.toString('utf8', ...id)).toBe('12');
    expect(leadingSpans(head).has('result')).toBe(false);
    expect(leadingSpans(bytes('{"jsonrpc":"2.0","id":12')).has('id')).toBe(false);
  });
});
