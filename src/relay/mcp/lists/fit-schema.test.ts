import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SchemaRules } from '../../../protocol/client-profiles.js';
import type { Shape } from '../json-rpc.js';
import { fitSchema } from './fit-schema.js';

const fitted = (schema: Shape, rules: SchemaRules): Shape => fitSchema(schema, rules).schema;
const text = { type: 'string' };
const number = { type: 'number' };

/** The SDK's own type of a schema has each keyword typed; this is the same text. */
const conditional = (condition: Shape, yes: Shape, no: Shape): Shape =>
  Object.fromEntries([
    ['if', condition],
    ['then', yes],
    ['else', no],
  ]);
const asSchema = (schema: Shape): JsonSchemaType => JSON.parse(JSON.stringify(schema));

describe('a root put together of several schemas', () => {
  const rules = { flatRoot: true } as const;

  it('stays as it is when it is not', () => {
    const plain = { type: 'object', properties: { a: { anyOf: [text, number] } }, additionalProperties: false };
    expect(fitSchema(plain, rules)).toEqual({ schema: plain, note: '' });
  });

  it('has what every alternative requires, and tells of the rest', () => {
    const schema = {
      type: 'object',
      properties: { raw: text, method: text, url: text, id: text },
      required: ['id'],
      additionalProperties: false,
      anyOf: [{ required: ['raw'] }, { required: ['method', 'url'] }],
    };
    expect(fitSchema(schema, rules)).toEqual({
      schema: {
        type: 'object',
        properties: { raw: text, method: text, url: text, id: text },
        required: ['id'],
        additionalProperties: false,
      },
      note: 'Arguments, one of: (raw) or (method, url).',
    });
  });

  it('is a union with its tags in one list', () => {
    const schema = {
      oneOf: [
        { type: 'object', properties: { kind: { const: 'a' }, n: number }, required: ['kind', 'n'] },
        { type: 'object', properties: { kind: { const: 'b' }, s: text, n: text }, required: ['kind', 's'] },
      ],
    };
    expect(fitted(schema, rules)).toEqual({
      type: 'object',
      properties: { kind: { enum: ['a', 'b'] }, n: { anyOf: [number, text] }, s: text },
      required: ['kind'],
    });
  });

  it('is all of an allOf, through references, and with what a condition adds', () => {
    const schema = {
      $defs: { base: { type: 'object', properties: { id: text }, required: ['id'] } },
      allOf: [{ $ref: '#/$defs/base' }, { properties: { more: { $ref: '#/$defs/base' } } }],
      ...conditional(
        { properties: { id: { const: 'x' } } },
        { properties: { extra: number }, required: ['extra'] },
        {},
      ),
      not: { required: ['never'] },
    };
    expect(fitted(schema, rules)).toEqual({
      $defs: schema.$defs,
      type: 'object',
      properties: { id: text, more: { $ref: '#/$defs/base' }, extra: number },
      required: ['id'],
    });
    expect(fitted({ $ref: '#/$defs/base', $defs: schema.$defs }, { flatRoot: true, inlineRefs: true })).toEqual(
      schema.$defs.base,
    );
  });
});

describe('references', () => {
  const rules = { inlineRefs: true } as const;

  it('are written out, with what stands beside them', () => {
    const schema = {
      type: 'object',
      properties: {
        status: { enum: ['a'] },
        one: { $ref: '#/$defs/a~1b', description: 'own' },
        again: { type: 'array', items: { $ref: '#/properties/status' } },
        $ref: text,
        outside: { $ref: 'https://example.com/schema.json' },
      },
      $defs: { 'a/b': { type: 'string', description: 'shared' }, unused: text },
    };
    expect(fitted(schema, rules)).toEqual({
      type: 'object',
      properties: {
        status: { enum: ['a'] },
        one: { type: 'string', description: 'own' },
        again: { type: 'array', items: { enum: ['a'] } },
        $ref: text,
        outside: {},
      },
    });
  });

  it('that lead back are cut, and what grows without end too', () => {
    const tree = { type: 'object', properties: { child: { $ref: '#/$defs/node' } }, $defs: {} };
    const node = { type: 'object', properties: { name: text, next: { $ref: '#/$defs/node' } } };
    expect(fitted({ ...tree, $defs: { node } }, rules)).toEqual({
      type: 'object',
      properties: { child: { type: 'object', properties: { name: text, next: {} } } },
    });
    const $defs: Record<string, unknown> = { d20: text };
    for (let level = 0; level < 20; level += 1) {
      const next = { $ref: `#/$defs/d${level + 1}` };
      $defs[`d${level}`] = { type: 'object', properties: { a: next, b: next } };
    }
    expect(JSON.stringify(fitted({ properties: { x: { $ref: '#/$defs/d0' } }, $defs }, rules)).length).toBeLessThan(
      100_000,
    );
  });
});

describe('a schema made to cost much', () => {
  const many = (count: number, ref: string) => Array.from({ length: count }, () => ({ $ref: ref }));

  it('is not written out a thousand times', () => {
    const schema = {
      $defs: { big: { description: 'x'.repeat(100_000), properties: { inner: text } } },
      type: 'object',
      properties: Object.fromEntries(many(1500, '#/$defs/big').map((ref, index) => [`p${index}`, ref])),
    };
    const whole = JSON.stringify(fitted(schema, { inlineRefs: true }));
    expect(whole.length).toBeLessThan(400_000);
    expect(JSON.parse(whole).properties).toMatchObject({ p0: { properties: { inner: text } }, p1499: {} });
  });

  it('is not followed through every way that its references allow', () => {
    const names = Array.from({ length: 3 }, (_, index) => `a${index}`);
    let looks = 0;
    const last = {
      get properties() {
        looks += 1;
        return { x: text };
      },
    };
    const unions = names.map((name, index) => [name, { anyOf: many(20, `#/$defs/a${index + 1}`) }]);
    const schema = { $defs: { ...Object.fromEntries(unions), a3: last }, anyOf: many(20, '#/$defs/a0') };
    expect(fitted(schema, { flatRoot: true }).type).toBe('object');
    expect(looks).toBeLessThan(20_000);
  });
});

describe('keywords of 2020-12', () => {
  it('are said in older ones, or left out', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        pair: { type: 'array', prefixItems: [text, number, text], items: false },
        list: { type: 'array', prefixItems: [text], items: text },
        open: { type: 'array', prefixItems: [text] },
        any: true,
        never: false,
        none: { type: 'array', items: false },
        maybe: { type: ['string', 'null'], description: 'd' },
        both: { type: ['string', 'number', 'null'] },
        bare: { type: 'array' },
      },
      unevaluatedProperties: false,
      dependentRequired: { pair: ['list'] },
    };
    expect(fitted(schema, { noNewKeywords: true, plainTypes: true, arrayItems: true })).toEqual({
      $schema: schema.$schema,
      type: 'object',
      properties: {
        pair: { type: 'array', items: { anyOf: [text, number] }, maxItems: 3 },
        list: { type: 'array', items: text },
        open: { type: 'array', items: {} },
        any: {},
        never: { not: {} },
        none: { type: 'array', items: {}, maxItems: 0 },
        maybe: { type: 'string', description: 'd', nullable: true },
        both: { nullable: true, anyOf: [text, number] },
        bare: { type: 'array', items: {} },
      },
      additionalProperties: false,
    });
  });
});

describe('a schema for an API that takes valid 2020-12 only', () => {
  const rules = { draft202012: true, inlineRefs: true } as const;

  it('says in 2020-12 what older drafts said', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        query: { type: 'array', items: [{ type: 'object' }], additionalItems: { $ref: '#/properties/query/items/0' } },
        pair: { type: 'array', items: [text, number], additionalItems: false, minItems: 2 },
        above: { type: 'integer', exclusiveMinimum: true, minimum: 0, exclusiveMaximum: false, maximum: 9 },
        odd: { type: 'any', required: true },
        some: { type: ['string', 'file'] },
        type: 'object',
      },
      required: ['query', 'query'],
    };
    expect(fitted(schema, rules)).toEqual({
      type: 'object',
      properties: {
        query: { type: 'array', prefixItems: [{ type: 'object' }], items: { type: 'object' } },
        pair: { type: 'array', prefixItems: [text, number], items: false, minItems: 2 },
        above: { type: 'integer', exclusiveMinimum: 0, maximum: 9 },
        odd: {},
        some: { type: ['string'] },
        type: {},
      },
      required: ['query'],
    });
    expect(fitted({ properties: { pair: schema.properties.pair } }, { noNewKeywords: true }).properties).toEqual({
      pair: { type: 'array', items: { anyOf: [text, number] }, minItems: 2, maxItems: 2 },
    });
  });
});

it('never refuses what the server takes', () => {
  const validator = new AjvJsonSchemaValidator();
  const leaf = fc.constantFrom<unknown>(text, number, { type: 'boolean' }, { const: 'a' }, { enum: ['a', 1] }, true, {
    $ref: '#/$defs/leaf',
  });
  const names = ['a', 'b', 'c'];
  // Every alternative has every property: see merge-root.ts for those that only some have.
  const object = fc.record(
    {
      properties: fc.record({
        a: leaf,
        b: leaf,
        c: fc.oneof(
          leaf,
          fc.record({ type: fc.constant('array'), prefixItems: fc.array(leaf, { minLength: 1, maxLength: 2 }) }),
        ),
      }),
      required: fc.subarray(names, { maxLength: 1 }),
      additionalProperties: fc.boolean(),
    },
    { requiredKeys: ['properties'] },
  );
  const root = fc.oneof(
    object,
    fc.record({ anyOf: fc.array(object, { minLength: 1, maxLength: 3 }) }),
    fc.record(
      { oneOf: fc.array(object, { minLength: 1, maxLength: 3 }), properties: fc.record({ a: leaf }) },
      { requiredKeys: ['oneOf'] },
    ),
    fc.record({
      allOf: fc.array(object, { minLength: 1, maxLength: 2 }),
      anyOf: fc.array(object, { minLength: 1, maxLength: 2 }),
    }),
    fc.tuple(object, object, object).map(([condition, yes, no]) => conditional(condition, yes, no)),
  );
  const value = fc.oneof(
    fc.constantFrom<unknown>('a', 'a', 'a', 1, 'x'),
    fc.array(fc.constantFrom<unknown>('a', 1), { maxLength: 3 }),
  );
  const instance = fc.record({ a: value, b: value, c: value, d: value }, { requiredKeys: [] });
  const rules: SchemaRules = { flatRoot: true, inlineRefs: true, noNewKeywords: true, arrayItems: true };
  let taken = 0;
  fc.assert(
    fc.property(root, fc.array(instance, { minLength: 20, maxLength: 20 }), (schema, instances) => {
      const own = { type: 'object', ...schema, $defs: { leaf: { type: 'string' } } };
      const accepts = validator.getValidator(asSchema(own));
      const result = fitted(own, rules);
      const fits = validator.getValidator(asSchema(result));
      for (const given of instances) {
        if (!accepts(given).valid) continue;
        taken += 1;
        expect(fits(given), JSON.stringify({ result, given })).toMatchObject({ valid: true });
      }
    }),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(100);
});
