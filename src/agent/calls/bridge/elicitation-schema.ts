import { isRecord } from '../../servers/messages.js';
import type { JsonObject } from '../json-edit.js';

/**
 * The form of an elicitation as clients of 2025-06-18 know it: choices with titles are `enum` with `enumNames` there, and
 * there is no choice of several (SEP-1330).
 *
 * @returns undefined when the form has what such a client cannot show
 */
export function olderForm(schema: unknown): JsonObject | undefined {
  if (!isRecord(schema) || !isRecord(schema.properties)) return isRecord(schema) ? schema : undefined;
  const properties: [string, unknown][] = [];
  for (const [name, property] of Object.entries(schema.properties)) {
    const older = olderProperty(property);
    if (older === undefined) return undefined;
    properties.push([name, older]);
  }
  return { ...schema, properties: Object.fromEntries(properties) };
}

const PRIMITIVES = new Set<unknown>(['string', 'number', 'integer', 'boolean']);

function olderProperty(property: unknown): JsonObject | undefined {
  if (!isRecord(property) || !PRIMITIVES.has(property.type)) return undefined;
  const { oneOf, anyOf, ...rest } = property;
  const choices = oneOf ?? anyOf;
  if (choices === undefined) return property;
  if (property.type !== 'string' || !Array.isArray(choices)) return undefined;
  const titled = choices.filter(isRecord).filter((choice) => typeof choice.const === 'string');
  if (titled.length !== choices.length) return undefined;
  return {
    ...rest,
    enum: titled.map((choice) => choice.const),
    enumNames: titled.map(({ title, const: value }) => (typeof title === 'string' ? title : value)),
  };
}
