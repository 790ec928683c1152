import type { SchemaRules } from '../../protocol/client-profiles.js';
import { isShape, type Shape } from './json-rpc.js';
import { mergeRoot } from './merge-root.js';

/** Schemas that references add to one tool at most; past it, and past this depth, a schema accepts anything. */
const INLINED = 1000;
const DEPTH = 48;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. Everything else is a value. */
const ONE = new Set([
  ...['items', 'additionalItems', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties'],
  ...['propertyNames', 'not', 'if', 'then', 'else', 'contentSchema'],
]);
const MANY = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const CLOSING = new Set(['additionalProperties', 'unevaluatedProperties', 'items']);
/** New in 2019-09 and 2020-12, with nothing in draft-07 that says the same: they only ever forbid. */
const NEW_KEYWORDS = [
  ...['$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveAnchor', '$recursiveRef', '$vocabulary'],
  ...['unevaluatedItems', 'dependentRequired', 'dependentSchemas', 'minContains', 'maxContains', 'contentSchema'],
];

export interface FittedSchema {
  readonly schema: Shape;
  /** What the root's alternatives were, in a sentence for the model; '' when there were none. */
  readonly choices: string;
}

/** A tool's input schema by these rules; always that of an object. */
export function fitSchema(schema: Shape, rules: SchemaRules): FittedSchema {
  const fitting = new Fitting(schema, rules);
  const fitted = fitting.schema(schema, 0, []);
  const whole = isShape(fitted) ? fitted : {};
  const { schema: flat, choices } =
    rules.flatRoot === true ? mergeRoot(whole, (ref) => fitting.target(ref)) : { schema: whole, choices: '' };
  const { type: _type, ...rest } = flat;
  return { schema: { type: 'object', ...rest }, choices };
}

class Fitting {
  #inlinedSchemas = 0;

  constructor(
    private readonly root: Shape,
    private readonly rules: SchemaRules,
  ) {}

  /** @param within the references that led here: one that leads back is cut */
  schema(value: unknown, depth: number, within: readonly string[]): unknown {
    if (typeof value === 'boolean') return this.rules.plainTypes !== true ? value : value ? {} : { not: {} };
    if (!isShape(value)) return {};
    if (within.length > 0) this.#inlinedSchemas += 1;
    if (depth > DEPTH || this.#inlinedSchemas > INLINED) return {};
    if (this.rules.inlineRefs === true && typeof value.$ref === 'string') return this.#inlined(value, depth, within);
    return this.#keywords(this.#members(value, depth, within));
  }

  /** What a local reference means (RFC 6901 in a fragment); undefined for any other, and for what is not there. */
  target(ref: string): Shape | undefined {
    if (!ref.startsWith('#')) return undefined;
    let at: unknown = this.root;
    for (const part of ref.slice(1).split('/').slice(1)) {
      const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(at)) at = at[Number(name)];
      else at = isShape(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    }
    return isShape(at) ? at : undefined;
  }

  #inlined(value: Shape, depth: number, within: readonly string[]): unknown {
    const { $ref, ...beside } = value;
    const ref = String($ref);
    const target = within.includes(ref) ? undefined : this.target(ref);
    const own = this.#members(beside, depth, within);
    if (target === undefined) return this.#keywords(own);
    const meant = this.schema(target, depth + 1, [...within, ref]);
    return { ...(isShape(meant) ? meant : {}), ...this.#keywords(own) };
  }

  #members(value: Shape, depth: number, within: readonly string[]): Shape {
    const { inlineRefs } = this.rules;
    const each = (schema: unknown): unknown => this.schema(schema, depth + 1, within);
    const fitted: [string, unknown][] = [];
    for (const [key, member] of Object.entries(value)) {
      if (inlineRefs === true && (key === '$defs' || key === 'definitions')) continue;
      if (MANY.has(key) && Array.isArray(member)) fitted.push([key, member.map(each)]);
      else if (NAMED.has(key) && isShape(member)) {
        fitted.push([key, Object.fromEntries(Object.entries(member).map(([name, schema]) => [name, each(schema)]))]);
      } else if (ONE.has(key)) fitted.push([key, this.#closing(key, member) ? member : each(member)]);
      else fitted.push([key, member]);
    }
    return Object.fromEntries(fitted);
  }

  /** `additionalProperties: false` is known everywhere, and so is `true`; `items` is seen to with what is beside it. */
  #closing(key: string, member: unknown): boolean {
    return typeof member === 'boolean' && CLOSING.has(key);
  }

  #keywords(schema: Shape): Shape {
    let fitted = schema;
    if (this.rules.noNewKeywords === true) fitted = withoutNewKeywords(fitted);
    if (this.rules.plainTypes === true) fitted = plainType(fitted);
    if (this.rules.arrayItems === true && fitted.type === 'array' && fitted.items === undefined) {
      fitted = { ...fitted, items: {} };
    }
    return fitted;
  }
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
export function distinct(schemas: readonly unknown[]): unknown[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
