import { elementsAt, objectAt } from './exposure.js';
import { NEWEST_LEGACY, type Rules, STRUCTURE_SINCE } from './rules.js';
import type { EditedObject } from './span-edits.js';

/** Where each list has its items. */
export const LISTS: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);

/** A list as the transparent endpoint shows it: without what the client's revision does not have. */
export function shapeList(result: EditedObject, member: string, rules: Rules): void {
  for (const span of elementsAt(result, member)) {
    const item = result.edits.object(span);
    if (item === undefined) continue;
    if (member === 'tools') shapeTool(item, rules);
    if (rules.version !== undefined) shapeItem(item, rules.version);
    item.commit();
  }
}

function shapeItem(item: EditedObject, version: string): void {
  if (version < NEWEST_LEGACY) item.drop('icons');
  if (version >= STRUCTURE_SINCE) return;
  item.drop('title');
  for (const span of elementsAt(item, 'arguments')) {
    const argument = item.edits.object(span);
    argument?.drop('title');
    argument?.commit();
  }
}

function shapeTool(tool: EditedObject, { toModern, version }: Rules): void {
  // Tasks of 2025-11-25 do not exist in 2026-07-28, nor before.
  if (toModern || (version !== undefined && version < NEWEST_LEGACY)) tool.drop('execution');
  if (version === undefined) return;
  legacySchema(objectAt(tool, 'inputSchema'));
  const output = objectAt(tool, 'outputSchema');
  if (version >= STRUCTURE_SINCE && output?.string('type') === 'object') legacySchema(output);
  else tool.drop('outputSchema');
}

/** Up to 2025-11-25 a tool's schema is an object's, and a property's schema is no boolean. */
function legacySchema(schema: EditedObject | undefined): void {
  if (schema === undefined) return;
  const { edits } = schema;
  if (schema.get('type') === undefined) schema.add('type', '"object"');
  for (const { start, end } of objectAt(schema, 'properties')?.members ?? []) {
    const text = end - start <= 5 ? edits.raw([start, end]) : '';
    if (text === 'true') edits.replace([start, end], '{}');
    if (text === 'false') edits.replace([start, end], '{"not":{}}');
  }
  schema.commit();
}
