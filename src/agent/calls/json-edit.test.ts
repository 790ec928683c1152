import { describe, expect, it } from 'vitest';
import { member, parsedObject, withMembers } from './json-edit.js';

const bytes = (text: string) => Buffer.from(text);
const edited = (text: string, ...edit: [string[], Record<string, string>?]) =>
  withMembers(bytes(text), ...edit).toString();

describe('withMembers', () => {
  it('leaves the bytes of other members as they are', () => {
    const kept = '"n":12345678901234567890.10, "s" : "\\u0041"';
    expect(edited(`{ "gone":{"a":[1]} , ${kept} }`, ['gone'])).toBe('{"n":12345678901234567890.10,"s" : "\\u0041"}');
  });

  it('sets members, in place of those of the name', () => {
    expect(edited('{"a":1,"b":2,"a":3}', ['c'], { a: '"new"' })).toBe('{"a":"new","b":2}');
    expect(edited('{}', [], { a: '1', b: '[2]' })).toBe('{"a":1,"b":[2]}');
    expect(edited('', [], { a: '1' })).toBe('{"a":1}');
  });

  it('gives the same text back where there is nothing to do', () => {
    expect(edited(' {"a" : 1} ', ['b'])).toBe(' {"a" : 1} ');
    expect(edited('[1]', ['b'], { a: '1' })).toBe('[1]');
    expect(edited('{"a":1}', ['a'])).toBe('{}');
  });
});

describe('member and parsedObject', () => {
  it('read what is there, and nothing from what is no object', () => {
    expect(member(bytes('{"a":{"b":1}}'), 'a')).toEqual({ b: 1 });
    expect(member(bytes('{"a":1}'), 'b')).toBeUndefined();
    expect(member(bytes('7'), 'a')).toBeUndefined();
    expect(parsedObject(bytes(''))).toEqual({});
    expect(parsedObject(bytes('[1]'))).toEqual({});
  });
});
