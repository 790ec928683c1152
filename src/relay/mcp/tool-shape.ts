import type { ExposedTool } from '../devices/types.js';
import { isShape, type Shape } from './json-rpc.js';
import { type LegacyVersion, since } from './protocol-versions.js';

/**
 * A tool as a client of `version` gets it from /mcp: all its server sent, unknown fields too, but for the exposed name,
 * a title that says whose it is, and what this version or this endpoint does not have. `execution` is left out at all
 * versions: `taskSupport` would invite task-augmented calls (25N basic/utilities/tasks), and the relay has not declared
 * `tasks`, so a client that reads it as `required` would call the tool in no way at all.
 */
export function shapeTool({ exposedName, target, tool }: ExposedTool, version: LegacyVersion): Shape {
  const { icons, outputSchema, execution: _tasksAreNotCarried, ...rest } = tool;
  const shaped: Record<string, unknown> = { ...rest, name: exposedName };
  delete shaped.title;
  if (since(version, '2025-06-18')) {
    shaped.title = `${target.server}: ${ownTitle(tool)}`;
    if (isObjectSchema(outputSchema)) shaped.outputSchema = outputSchema;
  }
  if (tool.inputSchema !== undefined) shaped.inputSchema = withoutHeaderNames(tool.inputSchema);
  const safe = since(version, '2025-11-25') ? safeIcons(icons) : [];
  if (safe.length > 0) shaped.icons = safe;
  return shaped;
}

function ownTitle(tool: Shape): string {
  if (typeof tool.title === 'string' && tool.title !== '') return tool.title;
  const { annotations } = tool;
  if (isShape(annotations) && typeof annotations.title === 'string' && annotations.title !== '')
    return annotations.title;
  return String(tool.name);
}

/** Up to 2025-11-25 structured content is an object, and its schema says so. */
function isObjectSchema(schema: unknown): boolean {
  return isShape(schema) && schema.type === 'object';
}

/** Clients must refuse other schemes (25N basic, "Icons"); a local server's own http: address means nothing to them. */
function safeIcons(icons: unknown): unknown[] {
  if (!Array.isArray(icons)) return [];
  return icons.filter(
    (icon: unknown) => isShape(icon) && typeof icon.src === 'string' && /^(https:\/\/|data:)/i.test(icon.src),
  );
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
