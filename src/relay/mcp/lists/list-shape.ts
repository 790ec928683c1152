import { uriKey } from '../../../protocol/uris.js';
import type { ExposedPrompt, ExposedResource, ExposedTool } from '../../devices/types.js';
import { isShape, type Shape } from '../json-rpc.js';
import { MODERN_VERSION, since } from '../protocol-versions.js';
import { exposedMeta, presented } from './entry-shape.js';

/**
 * A tool as a client of `version` gets it from /mcp: all its server sent, unknown fields too, but for the exposed name,
 * a title that says whose it is, and what this version or this endpoint does not have. `execution` is left out at all
 * versions: `taskSupport` would invite task-augmented calls (25N basic/utilities/tasks), and the relay has not declared
 * `tasks`, so a client that reads it as `required` would call the tool in no way at all.
 */
export function shapeTool({ exposedName, target, deviceName, tool }: ExposedTool, version: string): Shape {
  const { outputSchema, execution: _tasksAreNotCarried, ...rest } = presented(tool, target.server, version);
  const shaped: Record<string, unknown> = { ...rest, name: exposedName };
  if (since(version, '2025-06-18') && isOutputSchema(outputSchema, version)) shaped.outputSchema = outputSchema;
  if (tool.inputSchema !== undefined) shaped.inputSchema = withoutHeaderNames(tool.inputSchema);
  if (tool._meta !== undefined) shaped._meta = exposedMeta(tool._meta, uriKey(deviceName, target.server));
  return shaped;
}

/** The same of a prompt. */
export function shapePrompt({ exposedName, target, prompt }: ExposedPrompt, version: string): Shape {
  return { ...presented(prompt, target.server, version), name: exposedName };
}

/** The same of a resource, or of a template. */
export function shapeResource(
  { exposedUri, target, resource }: ExposedResource,
  version: string,
  member: 'uri' | 'uriTemplate',
): Shape {
  return { ...presented(resource, target.server, version), [member]: exposedUri };
}

/** Up to 2025-11-25 structured content is an object, and its schema says so. */
function isOutputSchema(schema: unknown, version: string): boolean {
  if (since(version, MODERN_VERSION)) return schema !== undefined;
  return isShape(schema) && schema.type === 'object';
}

/** Keywords whose members are named by the schema's author. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
/** Keywords that hold values, not schemas. */
const VALUES = new Set(['const', 'enum', 'default', 'examples', 'required']);

/**
 * The schema without `x-mcp-header`: the relay is the server its clients see and reads no such headers; the agent
 * makes them again on its own hop.
 */
function withoutHeaderNames(schema: unknown): unknown {
  return JSON.stringify(schema)?.includes('"x-mcp-header"') ? strip(schema) : schema;
}

function strip(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strip);
  if (!isShape(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== 'x-mcp-header');
  return Object.fromEntries(kept.map(([key, value]) => [key, stripMember(key, value)]));
}

function stripMember(key: string, value: unknown): unknown {
  if (VALUES.has(key)) return value;
  if (!NAMED.has(key) || !isShape(value)) return strip(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, strip(member)]));
}
