import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mayHold, SpanEdits } from './span-edits.js';

const edited = (json: string, edit: (edits: SpanEdits) => void): string => {
  const edits = new SpanEdits(Buffer.from(json));
  edit(edits);
  return edits.result().toString();
};

it('gives back the very buffer when nothing changed', () => {
  const json = Buffer.from(' { "a" : 1 } ');
  const edits = new SpanEdits(json);
  edits.root()?.commit();
  expect(edits.result()).toBe(json);
});

it.each([
  ['{"a":1,"b":2,"c":3}', ['a'], '{"b":2,"c":3}'],
  ['{"a":1,"b":2,"c":3}', ['b'], '{"a":1,"c":3}'],
  ['{"a":1,"b":2,"c":3}', ['c'], '{"a":1,"b":2}'],
  ['{"a":1,"b":2,"c":3}', ['a', 'b'], '{"c":3}'],
  ['{"a":1,"b":2,"c":3}', ['a', 'c'], '{"b":2}'],
  ['{"a":1,"b":2,"c":3}', ['a', 'b', 'c'], '{}'],
  ['{"a":1,"b":2,"a":3}', ['a'], '{"b":2}'],
  ['{ "a" : 1 , "b" : 20000000000000000001 }', ['a'], '{ "b" : 20000000000000000001 }'],
])('takes members out of %s: %j', (json, names, rest) => {
  const result = edited(json, (edits) => {
    const root = edits.root();
    for (const name of names) root?.drop(name);
    root?.commit();
  });
  expect(result).toBe(rest);
});

it.each([
  ['{}', '{"x":1}'],
  ['{ }', '{"x":1 }'],
  ['{"a":1}', '{"x":1,"a":1}'],
])('puts a member into %s', (json, expected) => {
  const result = edited(json, (edits) => {
    const root = edits.root();
    root?.add('x', '1');
    root?.commit();
  });
  expect(result).toBe(expected);
});

it('makes the edits that parsing, changing and writing would make', () => {
  const object = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 });
  const names = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(object, names, fc.nat(), fc.option(fc.jsonValue()), fc.nat(3), (value, extra, pick, added, space) => {
      const keys = Object.keys(value);
      const dropped = new Set([...extra, ...keys.filter((_, index) => (pick >> index) & 1)]);
      const expected = Object.fromEntries(Object.entries(value).filter(([key]) => !dropped.has(key)));
      if (added !== null && !Object.hasOwn(expected, 'added')) {
        Object.defineProperty(expected, 'added', { value: added, enumerable: true, configurable: true });
      }
      const result = edited(JSON.stringify(value, undefined, space), (edits) => {
        const root = edits.root();
        for (const name of dropped) root?.drop(name);
        if (added !== null && root?.has('added') === false) root.add('added', JSON.stringify(added));
        root?.commit();
      });
      expect(JSON.parse(result)).toEqual(JSON.parse(JSON.stringify(expected)));
    }),
    { numRuns: 2000 },
  );
});

it('finds a text that an escape hides', () => {
  expect(mayHold(Buffer.from('{"type":"res\\u006furce"}'), ['"resource"'])).toBe(true);
  expect(mayHold(Buffer.from('{"type":"text","text":"a\\nb"}'), ['"resource"'])).toBe(false);
});
