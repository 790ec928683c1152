import type { Span } from '../../../protocol/json-spans.js';
import { elementsAt, exposeContentUri, exposeMeta, objectAt, rewrite } from './exposure.js';
import { AUDIO_SINCE, NEWEST_LEGACY, type Rules, STRUCTURE_SINCE } from './rules.js';
import type { EditedObject, SpanEdits } from './span-edits.js';

/** The revision that brought each content type (changelogs of 2025-03-26 and 2025-06-18). */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['text', '2024-11-05'],
  ['image', '2024-11-05'],
  ['resource', '2024-11-05'],
  ['audio', AUDIO_SINCE],
  ['resource_link', STRUCTURE_SINCE],
]);

/** The result of a tool: its content, and its structured content, which a legacy client may have to read as text. */
export function shapeToolResult(result: EditedObject, rules: Rules): void {
  const { edits } = result;
  const blocks = elementsAt(result, 'content');
  for (const block of blocks) shapeBlock(edits, block, rules);
  if (rules.version === undefined) return;
  const structured = result.get('structuredContent');
  const content = result.get('content');
  const readable = rules.version >= STRUCTURE_SINCE && structured !== undefined && edits.json[structured[0]] === 0x7b;
  if (structured === undefined || readable) {
    // Required since 2024-11-05; what has neither is a task, or for the client to refuse.
    if (content === undefined && structured !== undefined) result.add('content', '[]');
    return;
  }
  result.drop('structuredContent');
  const told = blocks.some((block) => edits.object(block)?.string('type') === 'text');
  const text = JSON.stringify({ type: 'text', text: edits.raw(structured) });
  const last = blocks.at(-1);
  if (content === undefined) result.add('content', `[${text}]`);
  else if (told) return;
  else if (last === undefined) edits.replace(content, `[${text}]`);
  else edits.replace([last[1], last[1]], `,${text}`);
}

/** The messages of a prompt, or of a question to the client's model. */
export function shapeMessages(owner: EditedObject, rules: Rules): void {
  for (const span of elementsAt(owner, 'messages')) {
    const content = owner.edits.object(span)?.get('content');
    if (content === undefined) continue;
    if (owner.edits.json[content[0]] === 0x7b) shapeBlock(owner.edits, content, rules);
    else for (const block of owner.edits.elements(content)) shapeBlock(owner.edits, block, rules);
  }
}

function shapeBlock(edits: SpanEdits, span: Span, rules: Rules): void {
  const block = edits.object(span);
  if (block === undefined) return;
  const type = block.string('type');
  if (rules.version !== undefined && !known(type, rules.version)) {
    edits.replace(span, JSON.stringify({ type: 'text', text: described(block, rules) }));
    return;
  }
  if (type === 'resource_link') {
    if (rules.version !== undefined && rules.version < NEWEST_LEGACY) block.drop('icons');
    rewrite(block, 'uri', (uri) => exposeContentUri(rules.uriKey, uri));
  }
  if (type === 'resource') {
    const resource = objectAt(block, 'resource');
    if (resource !== undefined) {
      rewrite(resource, 'uri', (uri) => exposeContentUri(rules.uriKey, uri));
      exposeMeta(resource, rules.uriKey);
    }
  }
  // What another tool gave, in a question to the client's model (2025-11-25 client/sampling).
  if (type === 'tool_result') for (const part of elementsAt(block, 'content')) shapeBlock(edits, part, rules);
  exposeMeta(block, rules.uriKey);
  block.commit();
}

/** A block without a type is nothing any revision has: it is left to the client to refuse. */
function known(type: string | undefined, version: string): boolean {
  if (type === undefined) return true;
  const since = SINCE.get(type);
  return since !== undefined && since <= version;
}

/** What a block is, for a client that would refuse the whole result over a type it does not know. */
function described(block: EditedObject, rules: Rules): string {
  const type = block.string('type');
  if (type === 'resource_link') {
    const label = [block.string('title') ?? block.string('name'), block.string('description')]
      .filter((part) => part !== undefined)
      .join(': ');
    const uri = exposeContentUri(rules.uriKey, block.string('uri') ?? '');
    return `[resource ${uri}${label === '' ? '' : ` (${label})`}]`;
  }
  const mimeType = block.string('mimeType');
  return `[${type}${mimeType === undefined ? '' : `, ${mimeType}`}: this client's MCP revision cannot show it]`;
}
