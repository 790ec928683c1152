import fc from 'fast-check';

/**
 * JSON as a stranger may write it and JSON.stringify never does: names twice, names and text with escapes for letters
 * that need none, numbers in every form, any whitespace. Made of few names, those that mean something in JSON-RPC.
 */

const space = fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t ', '   ');

const NAMES = [
  'id',
  'method',
  'params',
  'result',
  'error',
  'jsonrpc',
  'name',
  'uri',
  '_meta',
  'progressToken',
  '__proto__',
  'constructor',
  'toString',
  '',
  'é',
  '\ufeff',
  '😀',
];

/** Each letter as it is or as an escape. */
const written = (text: string) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: text.length, maxLength: text.length }).map((how) => {
    const letters = text.split('').map((letter, index) => {
      const hex = letter.charCodeAt(0).toString(16).padStart(4, '0');
      if (how[index] === 0) return `\\u${hex}`;
      if (how[index] === 1) return `\\u${hex.toUpperCase()}`;
      const plain = JSON.stringify(letter).slice(1, -1);
      return how[index] === 2 && letter === '/' ? '\\/' : plain;
    });
    return `"${letters.join('')}"`;
  });

const text = fc.oneof(
  fc
    .constantFrom(...NAMES, '1', '{', '}', '[', '"', '\\', '\\"', '/', '\u0000', '\u2028', '\ud800', '\udc00x')
    .chain(written),
  fc.string({ unit: 'binary', maxLength: 12 }).chain(written),
  fc.nat(200).map((count) => JSON.stringify('x'.repeat(count))),
  fc
    .nat(90)
    .chain((count) =>
      fc.constantFrom('"', '\\', 'é', '\ud83d', '\n').map((end) => JSON.stringify('x'.repeat(count) + end)),
    ),
);

const number = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '1.0',
    '1e0',
    '1E+0',
    '10e-1',
    '1e2',
    '100',
    '-1',
    '0.1',
    '1e400',
    '9007199254740993',
    '123456789',
    '1234567890',
    '0e0',
    '-0.0',
  ),
  fc.integer().map(String),
);

const name = fc.constantFrom(...NAMES).chain(written);

const value = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    number,
    fc.constantFrom('true', 'false', 'null', '{}', '[ ]', '{ }'),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(name, tie('value'), space), { maxLength: 5 })
    .map((all) => `{${all.map(([key, inner, pad]) => `${pad}${key}${pad}:${pad}${inner}${pad}`).join(',')}}`),
  array: fc
    .array(fc.tuple(tie('value'), space), { maxLength: 4 })
    .map((all) => `[${all.map(([inner, pad]) => pad + inner + pad).join(',')}]`),
}));

/** A value within so many arrays and objects. */
const nested = fc
  .tuple(fc.array(fc.boolean(), { maxLength: 80 }), value.value)
  .map(([kinds, inner]) =>
    kinds.reduceRight((deep, isArray) => (isArray ? `[0,${deep}]` : `{"a":${deep},"b":1}`), inner),
  );

/** The text of one JSON object. */
export const jsonObject = fc.oneof(
  { weight: 5, arbitrary: value.object },
  { weight: 1, arbitrary: nested.map((deep) => `{"a":${deep}}`) },
);
export const jsonText = fc
  .tuple(
    space,
    fc.oneof(
      { weight: 6, arbitrary: value.object },
      { weight: 2, arbitrary: value.array },
      { weight: 1, arbitrary: value.value },
      { weight: 1, arbitrary: nested },
    ),
    space,
  )
  .map((parts) => parts.join(''));
