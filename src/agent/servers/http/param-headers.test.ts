import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerValue, paramHeaders, paramValues } from './param-headers.js';

const marked = (header: unknown, type = 'string') => ({ type, 'x-mcp-header': header });
const schema = (properties: object) => ({ type: 'object', properties });

describe('x-mcp-header', () => {
  it('is found at any depth of properties', () => {
    const nested = schema({ a: marked('A'), b: schema({ c: marked('C', 'integer'), d: { type: 'string' } }) });
    expect(paramHeaders(nested)).toEqual([
      { path: ['a'], header: 'A' },
      { path: ['b', 'c'], header: 'C' },
    ]);
    expect(paramHeaders(undefined)).toEqual([]);
  });

  it.each([
    ['an empty name', schema({ a: marked('') })],
    ['a name that is no token', schema({ a: marked('A B') })],
    ['a line break', schema({ a: marked('A\r\nB: c') })],
    ['no text', schema({ a: marked(1) })],
    ['a number', schema({ a: marked('A', 'number') })],
    ['an object', schema({ a: marked('A', 'object') })],
    ['no type', schema({ a: { 'x-mcp-header': 'A' } })],
    ['one name twice', schema({ a: marked('A'), b: marked('a') })],
    ['the root', marked('A')],
    ['items', schema({ a: { type: 'array', items: marked('A') } })],
    ['a branch', { type: 'object', anyOf: [schema({ a: marked('A') })] }],
    ['a definition', { type: 'object', $defs: { a: marked('A') } }],
    ['a condition', { type: 'object', if: schema({ a: marked('A') }) }],
  ])('makes a tool invalid at %s', (_what, wrong) => {
    expect(() => paramHeaders(wrong)).toThrow(/x-mcp-header/);
  });

  it('may stand in examples and defaults', () => {
    const harmless = schema({
      a: { type: 'object', default: { 'x-mcp-header': 1 }, examples: [{ 'x-mcp-header': 1 }] },
    });
    expect(paramHeaders(harmless)).toEqual([]);
  });
});

it('puts plain values into headers, and nothing else', () => {
  const list = ['s', 'i', 'b', 'o', 'n', 'f', 'absent', 'toString'].map((name) => ({ path: [name], header: name }));
  const deep = { path: ['o', 'x'], header: 'deep' };
  const args = { s: 'ü', i: -7, b: false, o: { x: 'y' }, n: null, f: 1.5 };
  expect(paramValues([...list, deep], args)).toEqual({
    'Mcp-Param-s': '=?base64?w7w=?=',
    'Mcp-Param-i': '-7',
    'Mcp-Param-b': 'false',
    'Mcp-Param-deep': 'y',
  });
  expect(paramValues(list, undefined)).toEqual({});
});

describe('headerValue', () => {
  it.each([
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['', '=?base64??='],
    ['a b', 'a b'],
  ])('writes %j as the specification does', (text, value) => {
    expect(headerValue(text)).toBe(value);
  });

  it('is always a header value that stands for the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = headerValue(text);
        expect(new Headers({ x: value }).get('x')).toBe(value);
        const inside = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
        expect(inside === undefined ? value : Buffer.from(inside, 'base64').toString()).toBe(text);
      }),
    );
  });
});
