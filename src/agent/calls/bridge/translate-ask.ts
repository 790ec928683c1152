import { randomUUID } from 'node:crypto';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { isRecord } from '../../servers/messages.js';
import type { JsonObject } from '../json-edit.js';
import { shapeAsk } from '../shape.js';
import { ELICIT, REVISION_2025_11_25, SAMPLE } from './asks.js';
import { olderForm } from './elicitation-schema.js';

const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/**
 * A server's question as this client knows it. Bytes that need no change stay as they are.
 *
 * @param params JSON text, '' for none
 * @returns undefined when this client cannot show it
 */
export function translateAsk(method: string, params: Uint8Array, head: CallHead): Buffer | undefined {
  const { client } = head;
  const bytes = params.length === 0 ? Buffer.from('{}') : shapeAsk(head, method, params);
  const given: unknown = JSON.parse(bytes.toString('utf8'));
  if (!isRecord(given)) return Buffer.from('{}');
  const own = withoutHop(given, knowsTasks(client));
  const made = method === ELICIT ? elicitation(own, client) : method === SAMPLE ? sampling(own, client) : own;
  if (made === undefined) return undefined;
  return made === given ? bytes : Buffer.from(JSON.stringify(made));
}

/** Whether this client may have made the task that a question is about: only at the transparent endpoint, by 2025-11-25. */
function knowsTasks({ endpoint, protocolVersion }: CallClient): boolean {
  return endpoint === 'server' && protocolVersion === REVISION_2025_11_25;
}

/** Without what belongs to the server's own hop: its progress token, and a task of which this client knows nothing. */
function withoutHop(params: JsonObject, keepTask: boolean): JsonObject {
  const { task, _meta, ...rest } = params;
  const meta = isRecord(_meta) ? _meta : {};
  const drop = ['progressToken', ...(keepTask ? [] : [RELATED_TASK])].filter((name) => name in meta);
  if (task === undefined && drop.length === 0) return params;
  const kept = Object.entries(meta).filter(([name]) => !drop.includes(name));
  return { ...rest, ...(kept.length === 0 ? {} : { _meta: Object.fromEntries(kept) }) };
}

function elicitation(params: JsonObject, client: CallClient): JsonObject | undefined {
  const asked = withOrigin(params, client);
  const { elicitationId, mode, ...rest } = asked;
  if (client.era === 'modern') return elicitationId === undefined ? asked : { mode, ...rest };
  // The id is how a server of 2025-11-25 tells that the user is done; a modern server has none to give.
  if (mode === 'url') return elicitationId === undefined ? { ...asked, elicitationId: randomUUID() } : asked;
  if (client.protocolVersion >= REVISION_2025_11_25) return asked;
  const requestedSchema = olderForm(asked.requestedSchema);
  return requestedSchema && { ...rest, requestedSchema };
}

/** An endpoint of several servers says which one asks (MCP elicitation, "Security considerations"): its client cannot know. */
function withOrigin(params: JsonObject, { uriKey }: CallClient): JsonObject {
  if (uriKey === undefined) return params;
  // Without words of its own it must not look like the relay's either.
  const message = typeof params.message === 'string' ? params.message : '';
  return { ...params, message: `[${uriKey.replace('.', '/')}] ${message}` };
}

function sampling(params: JsonObject, client: CallClient): JsonObject {
  const declared = isRecord(client.capabilities.sampling) ? client.capabilities.sampling : {};
  let made = params;
  const context = params.includeContext;
  if (context !== undefined && context !== 'none' && !isRecord(declared.context)) {
    made = { ...made, includeContext: 'none' };
  }
  if (!isRecord(declared.tools) && ('tools' in made || 'toolChoice' in made)) {
    const { tools: _tools, toolChoice: _choice, ...rest } = made;
    made = rest;
  }
  const older = client.era === 'legacy' && client.protocolVersion < REVISION_2025_11_25;
  return older ? withSingleContents(made) : made;
}

/** Before 2025-11-25 a message had one block of content, not a list of them. */
function withSingleContents(params: JsonObject): JsonObject {
  const { messages } = params;
  if (!Array.isArray(messages) || !messages.some((message) => isRecord(message) && Array.isArray(message.content))) {
    return params;
  }
  const split = messages.flatMap((message: unknown) => {
    if (!isRecord(message) || !Array.isArray(message.content)) return [message];
    return message.content.map((content: unknown) => ({ ...message, content }));
  });
  return { ...params, messages: split };
}
