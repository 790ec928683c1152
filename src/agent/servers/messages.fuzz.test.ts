import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../../test/helpers/fuzz.js';
import { readMessages } from './messages.js';

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
