import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../../../test/helpers/fuzz.js';
import { topLevelSpans } from '../../../protocol/json-spans.js';
import { stringEnd } from '../../../protocol/json-strings.js';
import { besideLongStrings, LONG_STRING_BYTES, LongStrings } from '../../../protocol/long-strings.js';
import { readMessages } from '../messages.js';
import { Rooms } from '../rooms.js';
import { LargeLine } from './large-line.js';

/** All lines lie in the rooms of those before. */
const rooms = new Rooms();

/** The line, come in pieces that end at these offsets. */
function come(text: Buffer, cuts: readonly number[] = []): Buffer {
  // So little room that it has to grow many times.
  const line = new LargeLine(rooms, 16);
  let from = 0;
  for (const cut of [...cuts.map((offset) => offset % (text.length + 1)), text.length].sort((a, b) => a - b)) {
    line.append(text.subarray(from, cut));
    from = cut;
  }
  return line.end();
}

const letters = (count: number, letter = 'x') => letter.repeat(count);
const quoted = (text: string) => JSON.stringify(text);

/** What a large string is made of, escapes at any place in it. */
const piece = fc.oneof(
  fc.nat(40).map((count) => letters(count)),
  fc.constantFrom('é', '😀', '"', '\\', '\n', '\u0001', '{', '}', ',', '/'),
  fc.nat(2).map((count) => letters(LONG_STRING_BYTES / 2 + count)),
);
const string = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''));
const value = fc.oneof({ weight: 3, arbitrary: string }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
const object = fc.array(fc.tuple(fc.oneof(fc.constantFrom('id', 'result', 'text'), string), value), { maxLength: 4 });
const message = fc.tuple(object, fc.boolean()).map(([members, spaced]) => {
  const space = spaced ? ' \r' : '';
  const inner = [...members.map(([name, of]) => `${quoted(name)}:${space}${JSON.stringify(of)}`), '"id":7'];
  return `{"result":{${inner.join(',')}},${space}"id":7}`;
});
const cuts = fc.array(fc.nat(), { maxLength: 12 });
/** Of which some are close to each other. */
const manyCuts = fc.tuple(cuts, cuts).map(([far, near]) => [...far, ...near.map((cut) => (far[0] ?? 0) + (cut % 20))]);
const damage = fc.option(fc.tuple(fc.nat(), fc.constantFrom(0, 0x22, 0x5c, 0x7d, 0x2c, 0x61)), { freq: 2 });

describe('LargeLine', () => {
  it('is the line, wherever its chunks end', () => {
    fc.assert(
      fc.property(message, cuts, (text, at) => {
        const line = come(Buffer.from(text), at);
        expect(line.equals(Buffer.from(text))).toBe(true);
        Rooms.giveBack(line);
      }),
      { numRuns: 100 },
    );
  });

  it(
    'is read as the same bytes are that nothing is known of, broken ones too',
    () => {
      const property = fc.property(message, manyCuts, damage, (text, at, broken) => {
        const bytes = Buffer.from(text);
        if (broken !== null) bytes[broken[0] % bytes.length] = broken[1];
        const line = come(bytes, at);
        expect(topLevelSpans(line)).toEqual(topLevelSpans(bytes));
        const [read] = readMessages(line) ?? [];
        const [plain] = readMessages(Buffer.from(bytes)) ?? [];
        expect(read?.kind).toBe(plain?.kind);
        if (read?.kind === 'result' && plain?.kind === 'result') expect(read.json.equals(plain.json)).toBe(true);
        Rooms.giveBack(line);
      });
      fuzz('large line', property);
    },
    FUZZ_MS,
  );

  it('knows where its long strings end, and what lies beside them', () => {
    const long = quoted(`\\"${letters(LONG_STRING_BYTES)}"é`);
    const head = `{"a":"short","b":`;
    const text = Buffer.from(`${head}${long},"c":[${long}]}`);
    for (const size of [7, 65_536]) {
      const line = come(
        text,
        Array.from({ length: Math.floor(text.length / size) }, (_, index) => index * size),
      );
      const known = LongStrings.of(line);
      const bytes = Buffer.byteLength(long);
      expect(known?.endOf(head.length)).toBe(head.length + bytes);
      expect(known?.endOf(head.length + bytes + ',"c":['.length)).toBe(text.length - 2);
      expect(known?.endOf(head.indexOf('"short"'))).toBeUndefined();
      // A part of the memory is read by the same knowledge, unless it ends within the string.
      expect(stringEnd(line.subarray(head.length), 0)).toBe(bytes);
      expect(stringEnd(line.subarray(head.length, head.length + bytes - 1), 0)).toBe(-1);
      expect(besideLongStrings(line).map(String)).toEqual([`${head}"`, `","c":["`, '"]}']);
      expect(besideLongStrings(line.subarray(5, 12)).map(String)).toEqual(['"short"']);
    }
    expect(besideLongStrings(text)).toEqual([text]);
  });

  it('reads a long string once', () => {
    const line = come(Buffer.from(`{"id":1,"result":${quoted(letters(LONG_STRING_BYTES))}}`), [1000, 2000]);
    // What may not be done shows it: a quote put into the string is not seen.
    line[5000] = 0x22;
    expect(readMessages(line)).toMatchObject([{ kind: 'result', id: 1 }]);
    expect(topLevelSpans(Buffer.from(line))).toBeUndefined();
  });

  it('lies in memory that may be given back, unless it is several messages', () => {
    const [one, several] = [come(Buffer.from('{"id":1,"result":{}}')), come(Buffer.from('[{"id":1,"result":{}}]'))];
    for (const line of [one, several]) Rooms.giveBack(line);
    expect([one.length, several.length]).toEqual([0, 22]);
  });

  it('leaves a text of many short strings to those who read the whole', () => {
    const line = come(Buffer.from(`[${'"x",'.repeat(2000)}${quoted(letters(LONG_STRING_BYTES))}]`));
    expect(besideLongStrings(line)).toHaveLength(1);
  });
});
