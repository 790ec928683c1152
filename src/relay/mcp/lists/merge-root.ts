import { isShape, type Shape } from '../json-rpc.js';

/** Nested alternatives are followed this far. */
const DEPTH = 8;
/** Schemas, properties and required names that are looked at in one root: references may lead to the same ones over and over. */
const EFFORT = 5000;
const UNIONS = ['anyOf', 'oneOf'] as const;

interface Merged {
  readonly properties: ReadonlyMap<string, readonly unknown[]>;
  readonly required: ReadonlySet<string>;
  /** No other properties than these. */
  readonly closed: boolean;
  /** Names that each alternative demands beyond `required`. */
  readonly choices: readonly (readonly string[])[];
}

/**
 * One object schema out of a root that is put together of several: every property that any part has, and as required
 * what every alternative requires. What only forbids (`not`, `if` without what it adds, `enum`) goes. It accepts all
 * that the server's schema does, and more, since the server still checks; but a property that only some alternatives
 * have is as it is there, though the others would let anything go by that name.
 *
 * @param target what a local reference means
 */
export function mergeRoot(
  schema: Shape,
  target: (ref: string) => Shape | undefined,
): { readonly schema: Shape; readonly choices: string } {
  const {
    allOf,
    anyOf,
    oneOf,
    not,
    if: condition,
    then,
    else: otherwise,
    enum: values,
    const: value,
    ...rest
  } = schema;
  const composed = [allOf, anyOf, oneOf, not, condition, then, otherwise, values, value].some(
    (part) => part !== undefined,
  );
  const { $ref, ...beside } = rest;
  if (!composed && typeof $ref !== 'string') return { schema, choices: '' };
  const merged = merge(schema, target, 0, [], { left: EFFORT });
  const properties = [...merged.properties].map(([name, schemas]) => [name, oneSchema(schemas)]);
  const { properties: _own, required: _demanded, additionalProperties, ...kept } = beside;
  return {
    schema: {
      ...kept,
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(merged.required.size === 0 ? {} : { required: [...merged.required] }),
      ...(merged.closed ? { additionalProperties: false } : {}),
      ...(isShape(additionalProperties) ? { additionalProperties } : {}),
    },
    choices: sentence(merged.choices),
  };
}

function merge(
  schema: unknown,
  target: (ref: string) => Shape | undefined,
  depth: number,
  within: readonly string[],
  effort: { left: number },
): Merged {
  const properties = new Map<string, unknown[]>();
  const required = new Set<string>();
  let choices: (readonly string[])[] = [];
  // What is not looked at may be anything: the schema accepts more, never less.
  if (!isShape(schema) || depth > DEPTH || !affordable(schema, effort))
    return { properties, required, closed: false, choices };
  const add = (part: Merged): void => {
    for (const [name, schemas] of part.properties) {
      const known = properties.get(name);
      // Both hold in an `allOf`; the first is told, the server checks the other.
      if (known === undefined) properties.set(name, [...schemas]);
    }
    for (const name of part.required) required.add(name);
    if (part.choices.length > 0) choices = [...part.choices];
  };
  if (isShape(schema.properties)) {
    for (const [name, property] of Object.entries(schema.properties)) properties.set(name, [property]);
  }
  if (Array.isArray(schema.required)) {
    for (const name of schema.required) if (typeof name === 'string') required.add(name);
  }
  let closed = schema.additionalProperties === false && schema.patternProperties === undefined;
  const follow = (part: unknown, path: readonly string[]) => merge(part, target, depth + 1, path, effort);
  if (typeof schema.$ref === 'string' && !within.includes(schema.$ref)) {
    const meant = follow(target(schema.$ref), [...within, schema.$ref]);
    add(meant);
    closed ||= meant.closed;
  }
  if (Array.isArray(schema.allOf)) for (const part of schema.allOf) add(follow(part, within));
  const outcomes = [schema.then, schema.else].filter((part) => part !== undefined);
  const either = oneOfThem(
    outcomes.map((part) => follow(part, within)),
    properties,
  );
  for (const [name, schemas] of either.properties) properties.set(name, [...schemas]);
  for (const keyword of UNIONS) {
    const parts = schema[keyword];
    if (!Array.isArray(parts) || parts.length === 0) continue;
    const branches = parts.map((part: unknown) => follow(part, within));
    const union = oneOfThem(branches, properties);
    closed ||= union.closed && properties.size === 0;
    for (const [name, schemas] of union.properties) properties.set(name, [...schemas]);
    for (const name of union.required) required.add(name);
    choices = branches.map((branch) => [...branch.required].filter((name) => !required.has(name)));
  }
  return { properties, required, closed, choices };
}

function affordable({ properties, required }: Shape, effort: { left: number }): boolean {
  const named = isShape(properties) ? Object.keys(properties).length : 0;
  effort.left -= 1 + named + (Array.isArray(required) ? required.length : 0);
  return effort.left >= 0;
}

/** Alternatives: what any of them has, and what all of them require. */
function oneOfThem(branches: readonly Merged[], own: ReadonlyMap<string, readonly unknown[]>): Merged {
  const properties = new Map<string, unknown[]>();
  for (const branch of branches) {
    for (const [name, schemas] of branch.properties) {
      properties.set(name, [...(properties.get(name) ?? []), ...schemas]);
    }
  }
  for (const [name, schemas] of own)
    if (properties.has(name)) properties.set(name, widest(schemas, properties.get(name)));
  const [first, ...others] = branches;
  const required = [...(first?.required ?? [])].filter((name) => others.every((branch) => branch.required.has(name)));
  return {
    properties,
    required: new Set(required),
    closed: branches.every((branch) => branch.closed),
    choices: [],
  };
}

/** A property that stands both beside the alternatives and within them: beside, unless that says nothing. */
function widest(beside: readonly unknown[], within: readonly unknown[] | undefined): unknown[] {
  const says = beside.some((schema) => isShape(schema) && Object.keys(schema).length > 0);
  return says ? [...beside] : [...(within ?? [])];
}

function oneSchema(schemas: readonly unknown[]): unknown {
  const different = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  if (different.length === 1) return different[0];
  const values = different.map(constants);
  // The tag of a union: `{const: "a"}` in one alternative, `{const: "b"}` in another.
  if (values.every((list) => list !== undefined)) {
    const types = new Set(different.map((schema) => (isShape(schema) ? schema.type : undefined)));
    const [type] = types;
    return { ...(types.size === 1 && type !== undefined ? { type } : {}), enum: [...new Set(values.flat())] };
  }
  return { anyOf: different };
}

/** The only values a schema takes, when that is all it says. */
function constants(schema: unknown): readonly unknown[] | undefined {
  if (!isShape(schema) || !Object.keys(schema).every((key) => key === 'const' || key === 'enum' || key === 'type')) {
    return undefined;
  }
  if ('const' in schema) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

function sentence(choices: readonly (readonly string[])[]): string {
  const told = choices.filter((names) => names.length > 0);
  if (told.length < 2) return '';
  return `Arguments, one of: ${told.map((names) => `(${names.join(', ')})`).join(' or ')}.`;
}
