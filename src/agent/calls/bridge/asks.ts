import type { CallClient } from '../../../protocol/call-messages.js';
import { isRecord } from '../../servers/messages.js';
import type { AskPolicy, AskReply, JsonRpcError } from '../../servers/types.js';
import { type JsonObject, parsedObject } from '../json-edit.js';

/** Questions of servers to clients: which of them a client may be asked, and what counts as its reply. */

export const ELICIT = 'elicitation/create';
export const SAMPLE = 'sampling/createMessage';
export const ROOTS = 'roots/list';

/** The first revision with elicitation by URL, with tools in sampling, with titles of choices. */
export const REVISION_2025_11_25 = '2025-11-25';
const REVISION_2025_06_18 = '2025-06-18';

export function reply(result: unknown): AskReply {
  return { kind: 'result', json: Buffer.from(JSON.stringify(result)) };
}

export function refusal(code: number, message: string): AskReply {
  return { kind: 'error', error: { code, message } };
}

/** What a server hears when nobody answers. MCP has a word for that in elicitation only. */
export function noReply(method: string): AskReply {
  if (method === ELICIT) return reply({ action: 'cancel' });
  // The words of MCP 2025-11-25 client/sampling, "Error handling".
  if (method === SAMPLE) return refusal(-1, 'User rejected sampling request');
  return refusal(-32601, `this client does not offer ${method}`);
}

/**
 * The reply to a question that needs no client, or must not reach this one: roots are the agent's, and a client is asked
 * only what it declared (MCP 2026-07-28 basic/patterns/mrtr, server requirements).
 *
 * @returns undefined when the client is to be asked
 */
export function ownReply(
  method: string,
  params: Uint8Array,
  client: CallClient,
  policy: AskPolicy,
): AskReply | undefined {
  if (method === ROOTS) return rootsReply(client, policy);
  if (method === SAMPLE) {
    if (!policy.sampling) return refusal(-32601, 'sampling is not allowed by the config of this agent');
    return isRecord(client.capabilities.sampling) && client.ask !== 'none' ? undefined : noReply(method);
  }
  if (method === ELICIT) {
    const modes = elicitationModes(client);
    if (modes.length === 0) return noReply(method);
    const asked = parsedObject(params);
    const { mode = 'form' } = asked;
    if (modes.includes(String(mode))) return isVisitable(asked) ? undefined : refusal(-32602, NOT_VISITABLE);
    return refusal(-32602, `this client does not offer elicitation in ${String(mode)} mode`);
  }
  // Requests of the server's own making: a transparent endpoint's client may know them.
  return client.endpoint === 'server' && client.ask === 'push' ? undefined : noReply(method);
}

const NOT_VISITABLE = 'an elicitation sends its user to http and https addresses only';

/** False for an elicitation whose URL is no web page: `javascript:`, `file:` and the like run or open what no user can judge. */
export function isVisitable({ mode, url }: JsonObject): boolean {
  if (mode !== 'url') return true;
  return typeof url === 'string' && URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

/** Roots of the config; without them, at the transparent endpoint, the client's own. */
function rootsReply(client: CallClient, policy: AskPolicy): AskReply | undefined {
  if (policy.roots !== undefined) return reply({ roots: policy.roots });
  const own = client.endpoint === 'server' && client.ask !== 'none' && isRecord(client.capabilities.roots);
  return own ? undefined : noReply(ROOTS);
}

/** The modes in which a client can be asked. `{}` is form mode alone, as revisions had it before there were modes. */
export function elicitationModes({ ask, era, protocolVersion, capabilities }: CallClient): readonly string[] {
  const { elicitation } = capabilities;
  if (ask === 'none' || !isRecord(elicitation) || protocolVersion < REVISION_2025_06_18) return [];
  if (era === 'legacy' && protocolVersion < REVISION_2025_11_25) return ['form'];
  const modes = ['form', 'url'].filter((mode) => isRecord(elicitation[mode]));
  return modes.length === 0 ? ['form'] : modes;
}

const ACTIONS = new Set<unknown>(['accept', 'decline', 'cancel']);

/** Whether a client's value is an ElicitResult, a CreateMessageResult or a ListRootsResult, as the question wants. */
export function fitsQuestion(method: string, value: unknown): value is JsonObject {
  if (!isRecord(value)) return false;
  if (method === ELICIT) return ACTIONS.has(value.action) && (value.content === undefined || isRecord(value.content));
  if (method === SAMPLE) {
    const { role, content, model } = value;
    const blocks = Array.isArray(content) ? content : [content];
    return (role === 'assistant' || role === 'user') && blocks.every(isRecord) && typeof model === 'string';
  }
  if (method === ROOTS) return Array.isArray(value.roots);
  return true;
}

/**
 * A client's reply as this server can read it: before 2025-11-25 a message of the model had one block of content.
 *
 * @param revision of the server
 */
export function replyFor(method: string, given: AskReply, revision: string | undefined): AskReply {
  if (method !== SAMPLE || given.kind === 'error' || (revision ?? REVISION_2025_11_25) >= REVISION_2025_11_25)
    return given;
  const message = parsedObject(given.json);
  const { content } = message;
  if (!Array.isArray(content)) return given;
  const blocks = content.filter(isRecord);
  const texts = blocks.filter((block) => block.type === 'text').map((block) => block.text);
  const one = blocks.length === 1 ? blocks[0] : { type: 'text', text: texts.join('\n') };
  return reply({ ...message, content: one });
}

/** A capability's name for people: of the first that a -32021 names. */
export function requiredCapability(error: JsonRpcError): string {
  const required = isRecord(error.data) ? error.data.requiredCapabilities : undefined;
  if (!isRecord(required)) return 'a capability it does not name';
  const names = Object.entries(required).flatMap(([name, value]) => {
    const inner = isRecord(value) ? Object.keys(value) : [];
    return inner.length === 0 ? [name] : inner.map((part) => `${name}.${part}`);
  });
  return names.length === 0 ? 'a capability it does not name' : names.join(', ');
}
