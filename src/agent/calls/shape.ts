import type { CallHead } from '../../protocol/call-messages.js';

type Block = Readonly<Record<string, unknown>>;

/** The revision that brought each content type (changelogs of 2025-03-26 and 2025-06-18). */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['text', '2024-11-05'],
  ['image', '2024-11-05'],
  ['resource', '2024-11-05'],
  ['audio', '2025-03-26'],
  ['resource_link', '2025-06-18'],
]);
const STRUCTURED_SINCE = '2025-06-18';
const NEWEST_LEGACY = '2025-11-25';

/**
 * A result as the asking client can read it. Revisions are dates, so they compare as text.
 *
 * A client of the newest revision gets the server's own bytes. For an older one, content it does not know is
 * told in a text block: strict clients reject a whole result over one unknown type.
 *
 * @param json the server's `result`, one line
 */
export function shapeResult(head: CallHead, json: Uint8Array): Buffer {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const version = head.client.protocolVersion;
  if (head.method !== 'tools/call' || head.client.endpoint === 'server' || version >= NEWEST_LEGACY) return bytes;
  const result: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return bytes;
  const content: unknown = 'content' in result ? result.content : undefined;
  const fits = !Array.isArray(content) || content.every((block) => known(block, version));
  const structured = 'structuredContent' in result && version < STRUCTURED_SINCE;
  if (fits && !structured) return bytes;
  const shaped: Record<string, unknown> = { ...result };
  if (structured) delete shaped.structuredContent;
  if (Array.isArray(content))
    shaped.content = content.map((block) => (known(block, version) ? block : described(block)));
  return Buffer.from(JSON.stringify(shaped));
}

function known(block: unknown, version: string): boolean {
  if (typeof block !== 'object' || block === null || !('type' in block)) return true;
  const since = typeof block.type === 'string' ? SINCE.get(block.type) : undefined;
  return since !== undefined && since <= version;
}

function described(block: Block): Block {
  const { type, uri, name, title, description, mimeType } = block;
  if (type === 'resource_link') {
    const label = [title ?? name, description].filter((part) => typeof part === 'string').join(': ');
    return { type: 'text', text: `[resource ${String(uri)}${label === '' ? '' : ` (${label})`}]` };
  }
  const kind = typeof mimeType === 'string' ? `${String(type)}, ${mimeType}` : String(type);
  return { type: 'text', text: `[${kind}: this client's MCP revision cannot show it]` };
}
