import type { SchemaRules } from '../../../protocol/client-profiles.js';
import { isShape, type Shape } from '../json-rpc.js';

/** New in 2019-09 and 2020-12, with nothing in draft-07 that says the same: they only ever forbid. */
const NEW_KEYWORDS = [
  ...['$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveAnchor', '$recursiveRef', '$vocabulary'],
  ...['unevaluatedItems', 'dependentRequired', 'dependentSchemas', 'minContains', 'maxContains', 'contentSchema'],
];

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']);

/** The keywords of one schema by these rules; the schemas in it have been seen to. */
export function fitKeywords(rules: SchemaRules, schema: Shape): Shape {
  let fitted = schema;
  if (rules.draft202012 === true || rules.noNewKeywords === true) fitted = ofDraft202012(fitted);
  if (rules.noNewKeywords === true) fitted = withoutNewKeywords(fitted);
  if (rules.plainTypes === true) fitted = plainType(fitted);
  const { type } = fitted;
  const array = type === 'array' || (Array.isArray(type) && type.includes('array'));
  if (rules.arrayItems === true && array && fitted.items === undefined) fitted = { ...fitted, items: {} };
  return fitted;
}

/** What older drafts wrote otherwise, and what no draft allows. */
function ofDraft202012(schema: Shape): Shape {
  const { items, additionalItems, required, type, ...rest } = schema;
  const fitted: Record<string, unknown> = { ...rest };
  if (Array.isArray(items)) {
    // A tuple, up to draft-07.
    fitted.prefixItems = items;
    if (additionalItems !== undefined) fitted.items = additionalItems;
  } else if (items !== undefined) fitted.items = items;
  // draft-04: a flag beside the bound; draft-03: one at each property.
  for (const [flag, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof fitted[flag] !== 'boolean') continue;
    if (fitted[flag] && typeof fitted[bound] === 'number') {
      fitted[flag] = fitted[bound];
      delete fitted[bound];
    } else delete fitted[flag];
  }
  if (Array.isArray(required)) fitted.required = [...new Set(required)];
  const types = Array.isArray(type) ? type.filter((name) => TYPES.has(name)) : type;
  if (Array.isArray(types) ? types.length > 0 : TYPES.has(String(types))) fitted.type = types;
  return fitted;
}

function withoutNewKeywords(schema: Shape): Shape {
  const { prefixItems, unevaluatedProperties, ...rest } = schema;
  const kept: Record<string, unknown> = { ...rest };
  for (const name of NEW_KEYWORDS) delete kept[name];
  const combined = ['allOf', 'anyOf', 'oneOf', 'if', '$ref'].some((name) => name in kept);
  if (unevaluatedProperties === false && !combined && !('additionalProperties' in kept)) {
    kept.additionalProperties = false;
  }
  if (Array.isArray(prefixItems)) {
    // Each place of a tuple takes what any place takes: a little more than the server said, never less.
    const closed = rest.items === false;
    const any = distinct([...prefixItems, ...(isShape(rest.items) ? [rest.items] : [])]);
    const open = !closed && !isShape(rest.items);
    kept.items = open ? {} : any.length === 1 ? any[0] : { anyOf: any };
    if (closed && kept.maxItems === undefined) kept.maxItems = prefixItems.length;
  }
  return kept;
}

/** `["string", "null"]` as OpenAPI has it, which Google's API understands; other lists as alternatives. */
function plainType(schema: Shape): Shape {
  if (typeof schema.items === 'boolean') {
    const { items, ...others } = schema;
    return plainType(items ? { ...others, items: {} } : { ...others, items: {}, maxItems: 0 });
  }
  const { type, ...rest } = schema;
  if (!Array.isArray(type)) return schema;
  const types = type.filter((name) => name !== 'null');
  const nullable = types.length < type.length ? { nullable: true } : {};
  if (types.length === 1) return { type: types[0], ...rest, ...nullable };
  if (types.length === 0) return { type: 'null', ...rest };
  if ('anyOf' in rest) return { ...rest, ...nullable };
  return { ...rest, ...nullable, anyOf: types.map((name) => ({ type: name })) };
}

/** Without repetitions, in order. */
function distinct(schemas: readonly unknown[]): unknown[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}
