import type { SchemaRules } from '../../../protocol/client-profiles.js';
import { isShape, type Shape } from '../json-rpc.js';
import { fitKeywords } from './fit-keywords.js';
import { mergeRoot } from './merge-root.js';

/** Schemas that references add to one tool at most; past it, and past this depth, a schema accepts anything. */
const INLINED = 1000;
/** Characters that they add: a megabyte behind a thousand references would be a gigabyte for each client. */
const INLINED_CHARACTERS = 256 * 1024;
const DEPTH = 48;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. Everything else is a value. */
const ONE = new Set([
  ...['items', 'additionalItems', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties'],
  ...['propertyNames', 'not', 'if', 'then', 'else', 'contentSchema'],
]);
const MANY = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
/** A boolean says something of its own here, which every client knows. */
const CLOSING = new Set(['additionalProperties', 'unevaluatedProperties', 'items']);

export interface FittedSchema {
  readonly schema: Shape;
  /** What the schema no longer says, in a sentence for the model; '' when it says everything. */
  readonly note: string;
}

/** A tool's input schema by these rules; always that of an object. */
export function fitSchema(schema: Shape, rules: SchemaRules): FittedSchema {
  const fitting = new Fitting(schema, rules);
  const fitted = fitting.schema(schema, 0, []);
  const whole = isShape(fitted) ? fitted : {};
  const { schema: flat, choices } =
    rules.flatRoot === true ? mergeRoot(whole, (ref) => fitting.target(ref)) : { schema: whole, choices: '' };
  const { type: _type, properties, $schema, ...rest } = flat;
  const own = isShape(properties) ? properties : {};
  const strict = rules.draft202012 === true;
  const { properties: named, required } = strict
    ? withSafeNames(own, rest.required)
    : { properties: own, required: rest.required };
  return {
    schema: {
      ...($schema === undefined || strict ? {} : { $schema }),
      type: 'object',
      ...rest,
      properties: named,
      ...(required === undefined ? {} : { required }),
    },
    note: [choices, leftOut(own, named)].filter((text) => text !== '').join(' '),
  };
}

/** One other name at the root, and the model API refuses every request with this tool in it. */
const SAFE_NAME = /^[a-zA-Z0-9_.-]{1,64}$/;

function withSafeNames(
  properties: Shape,
  required: unknown,
): { readonly properties: Shape; readonly required: unknown } {
  const safe = (name: unknown) => typeof name === 'string' && SAFE_NAME.test(name);
  return {
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => safe(name))),
    required: Array.isArray(required) ? required.filter(safe) : undefined,
  };
}

function leftOut(all: Shape, kept: Shape): string {
  const names = Object.keys(all).filter((name) => !Object.hasOwn(kept, name));
  if (names.length === 0) return '';
  return `Arguments that this client cannot give: ${names.map((name) => JSON.stringify(name)).join(', ')}.`;
}

class Fitting {
  #inlinedSchemas = 0;
  #inlinedCharacters = 0;
  readonly #sizes = new Map<Shape, number>();

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
    return fitKeywords(this.rules, this.#members(value, depth, within));
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
    const found = within.includes(ref) ? undefined : this.target(ref);
    const target = found !== undefined && this.#mayBeInlined(found) ? found : undefined;
    const own = this.#members(beside, depth, within);
    if (target === undefined) return fitKeywords(this.rules, own);
    const meant = this.schema(target, depth + 1, [...within, ref]);
    return { ...(isShape(meant) ? meant : {}), ...fitKeywords(this.rules, own) };
  }

  #mayBeInlined(target: Shape): boolean {
    if (this.#inlinedCharacters > INLINED_CHARACTERS) return false;
    const size = this.#sizes.get(target) ?? JSON.stringify(target).length;
    this.#sizes.set(target, size);
    this.#inlinedCharacters += size;
    return this.#inlinedCharacters <= INLINED_CHARACTERS;
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
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
