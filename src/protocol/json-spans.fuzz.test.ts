import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../test/helpers/fuzz.js';
import { jsonText } from '../../test/helpers/json-text.js';
import { elementSpans, leadingSpans, memberSpan, members, topLevelSpans } from './json-spans.js';

/** The frame decoder and the quick path of a response have the whole time. */
const PART = 1 / 4;

const damage = fc.option(
  fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), how: fc.constantFrom('set', 'insert', 'cut') }),
  { freq: 2 },
);

/** The same by the spans alone, down to the scalars. */
function read(json: Buffer, start: number, end: number): unknown {
  const inner = members(json, start, end);
  if (inner !== undefined) {
    // As JSON.parse has it: `__proto__` is a name as any other.
    const object = {};
    for (const { name, start: from, end: to } of inner) {
      Object.defineProperty(object, name, {
        value: read(json, from, to),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  }
  const elements = elementSpans(json, start, end);
  if (elements !== undefined) return elements.map(([from, to]) => read(json, from, to));
  return JSON.parse(json.toString('utf8', start, end));
}

function parsed(json: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(json.toString('utf8')) };
  } catch {
    return undefined;
  }
}

it(
  'JSON by its spans is what it is by a real parser, and none where that finds none',
  () => {
    fuzz(
      'spans',
      fc.property(jsonText, damage, (text, broken) => {
        let json = Buffer.from(text);
        if (broken !== null) {
          const at = broken.at % (json.length + 1);
          if (broken.how === 'set' && at < json.length) json[at] = broken.byte;
          if (broken.how === 'insert')
            json = Buffer.concat([json.subarray(0, at), Buffer.from([broken.byte]), json.subarray(at)]);
          if (broken.how === 'cut') json = json.subarray(0, at);
          json = Buffer.from(json.toString('utf8'));
        }
        const expected = parsed(json);
        const spans = topLevelSpans(json);
        const elements = elementSpans(json, 0, json.length);
        const isObject =
          typeof expected?.value === 'object' && expected.value !== null && !Array.isArray(expected.value);
        expect(spans !== undefined).toBe(isObject);
        expect(elements !== undefined).toBe(Array.isArray(expected?.value));
        if (expected === undefined) return;
        expect(JSON.stringify(read(json, 0, json.length))).toBe(JSON.stringify(expected.value));
        if (spans === undefined) return;
        for (const [name, span] of spans) expect(memberSpan(json, 0, json.length, name)).toEqual(span);
        const leading = leadingSpans(json.subarray(0, Math.max(0, json.length - 1 - ((broken?.at ?? 0) % 20))));
        const all = members(json, 0, json.length) ?? [];
        for (const [name, [start, end]] of leading) {
          expect(all.some((one) => one.name === name && one.start === start && one.end === end)).toBe(true);
        }
      }),
      PART,
    );
  },
  FUZZ_MS,
);
