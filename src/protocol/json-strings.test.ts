import fc from 'fast-check';
import { expect, it } from 'vitest';
import { topLevelSpans } from './json-spans.js';
import { stringEnd } from './json-strings.js';

/** Bytes at any distance from a word's boundary. */
const shifted = (bytes: Buffer, by: number) => Buffer.concat([Buffer.alloc(by), bytes]).subarray(by);

const letter = fc.constantFrom(
  'a',
  'é',
  '€',
  '😀',
  '\\n',
  '\\"',
  '\\\\',
  '\\u00e9',
  '\\ud83d',
  '!',
  ' ',
  '\x7f',
  '[',
  ']',
);
/** Mostly bytes that stand for themselves, with something else anywhere among them. */
const text = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.nat(90).map((count) => 'x'.repeat(count)) }, letter), { maxLength: 12 })
  .map((parts) => parts.join(''));

it('ends a string of any length where a real parser ends it', () => {
  fc.assert(
    fc.property(text, fc.nat(7), fc.nat(5), (inner, by, behind) => {
      const string = Buffer.from(`"${inner}"`);
      const json = shifted(Buffer.concat([string, Buffer.from(',"}\n\\'.slice(0, behind))]), by);
      expect(() => JSON.parse(string.toString())).not.toThrow();
      expect(stringEnd(json, 0)).toBe(string.length);
      expect(stringEnd(shifted(string.subarray(0, -1), by), 0)).toBe(-1);
    }),
    { numRuns: 2_000 },
  );
});

it('takes and refuses any byte at any place as a real parser does', () => {
  const parsed = (json: Buffer) => {
    try {
      return JSON.parse(json.toString('latin1')) !== undefined;
    } catch {
      return false;
    }
  };
  for (let byte = 0; byte < 256; byte += 1) {
    for (let at = 60; at < 84; at += 1) {
      const json = Buffer.from(`{"a":"${'x'.repeat(100)}"}`);
      json[at] = byte;
      expect(topLevelSpans(json) !== undefined, `${byte} at ${at}`).toBe(parsed(json));
    }
  }
});
