/** Bodies of the frames of one call. */

import { count, decodeHeaded, encodeHeaded, headedText, MessageError, object, text } from './message-reader.js';

/** Head of a `call` frame; the params' JSON text follows it as raw bytes. */
export interface CallHead {
  /** A local server's name; '' is the agent itself (method `agent/restart`). */
  readonly server: string;
  readonly method: string;
  readonly client: CallClient;
  /** The client's own progress token, for the notifications made for it. Absent: it asked for none. */
  readonly progressToken?: string | number;
  /** Lowest level of log notifications the client wants, RFC 5424 name. Absent: none. */
  readonly logLevel?: string;
  /** W3C trace context of the request, passed through. */
  readonly traceparent?: string;
  /** A client's notification: it goes to the server as one, and is answered `{}` at once. */
  readonly notify?: boolean;
  /** Has no deadline (`subscriptions/listen`): it lasts until the client leaves or the server ends it. */
  readonly lasting?: boolean;
}

/** For whom a result is shaped. */
export interface CallClient {
  readonly era: 'legacy' | 'modern';
  readonly protocolVersion: string;
  /** `aggregate`: /mcp; `device`: /mcp/<device>; `server`: /mcp/<device>/<server>, transparent. */
  readonly endpoint: 'aggregate' | 'device' | 'server';
  readonly id: string;
  readonly info?: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** How the client can be asked something while a call runs. */
  readonly ask: 'mrtr' | 'push' | 'none';
  /** The client's session, a word of the relay's: a server with `isolation: "client"` runs once for each. */
  readonly session: string;
  /** What resource URIs begin with where several servers share an endpoint (uris.ts); absent at the transparent one. */
  readonly uriKey?: string;
}

/**
 * Largest head of a `call`. A client says what is in it, and the whole message has to fit what an agent takes: the link
 * ends over a larger one, and would over and over.
 */
export const HEAD_BYTES = 256 * 1024;
/** Largest `ask` message, head and all. */
export const QUESTION_BYTES = 4 * 1024 * 1024;
/** Of all `ask` messages of one call that its client has not answered, those taken back included: they may wait for a slow client. */
export const UNANSWERED_BYTES = 8 * 1024 * 1024;
/** Questions of one call that have been asked and are not gone. */
export const OPEN_ASKS = 64;

/** Head of an `ask` frame: a question of the server's to the client; its params' JSON text follows. */
export type AskHead =
  /** Numbers rise within a call. */
  | { readonly ask: number; readonly method: string }
  /** The agent has its answer, or the server takes the question back. */
  | { readonly ask: number; readonly gone: true };

/** Head of an `answer` frame; the JSON text of the client's `result` or `error` follows. */
export interface AnswerHead {
  readonly ask: number;
  readonly kind: 'result' | 'error';
}

const ERAS = new Set(['legacy', 'modern']);
const ENDPOINTS = new Set(['aggregate', 'device', 'server']);
const ASKS = new Set(['mrtr', 'push', 'none']);
/** A relay takes no access token longer than this, and a client's id stands in its token. */
const CLIENT_ID_MAX = 8192;

/** @param params JSON text */
export function encodeCall(head: CallHead, params: Uint8Array): Buffer {
  const { server, method, client, progressToken, logLevel, traceparent, notify, lasting } = head;
  const first = `{"server":${JSON.stringify(server)},"method":${JSON.stringify(method)},"client":${clientText(client)}`;
  const others = JSON.stringify({ progressToken, logLevel, traceparent, notify, lasting });
  return headedText(others === '{}' ? `${first}}` : `${first},${others.slice(1)}`, params);
}

/** JSON text of a session's client, which is the same with each of its calls. */
const clientTexts = new WeakMap<CallClient, string>();

function clientText(client: CallClient): string {
  // One of the modern era is made anew with each request.
  if (client.era === 'modern') return JSON.stringify(client);
  const known = clientTexts.get(client);
  if (known !== undefined) return known;
  const made = JSON.stringify(client);
  clientTexts.set(client, made);
  return made;
}

/** Bytes of the head of an encoded `call`. */
export function headBytes(call: Buffer): number {
  return call.readUInt32BE(0);
}

/**
 * Where a call goes, read from its first piece; undefined where its head is not whole there, or is none: that is told when
 * the message is whole.
 */
export function placeOf(piece: Buffer): { readonly server: string; readonly session: string } | undefined {
  if (piece.length < 4 || piece.length < 4 + headBytes(piece)) return undefined;
  try {
    const { head } = decodeCall(piece);
    return { server: head.server, session: head.client.session };
  } catch {
    return undefined;
  }
}

/** @throws MessageError */
export function decodeCall(body: Buffer): { readonly head: CallHead; readonly params: Buffer } {
  const what = 'call';
  const { head: raw, json: params } = decodeHeaded(body, what);
  const client = object(raw.client, what);
  const { era, endpoint, ask } = client as { era: string; endpoint: string; ask: string };
  if (!ERAS.has(era) || !ENDPOINTS.has(endpoint) || !ASKS.has(ask)) throw new MessageError('bad_shape', what);
  const token = raw.progressToken;
  // A client may be known by a URL as long as its token allows.
  const id = text(client.id, what, CLIENT_ID_MAX);
  return {
    head: {
      server: text(raw.server, what, 64),
      method: text(raw.method, what, 256),
      client: {
        era: era as CallClient['era'],
        endpoint: endpoint as CallClient['endpoint'],
        ask: ask as CallClient['ask'],
        protocolVersion: text(client.protocolVersion, what, 32),
        id,
        session: client.session === undefined ? id : text(client.session, what, CLIENT_ID_MAX),
        capabilities: object(client.capabilities, what),
        ...(client.info === undefined ? {} : { info: object(client.info, what) }),
        ...(client.uriKey === undefined ? {} : { uriKey: text(client.uriKey, what, 64) }),
      },
      ...(typeof token === 'string' || typeof token === 'number' ? { progressToken: token } : {}),
      ...(raw.logLevel === undefined ? {} : { logLevel: text(raw.logLevel, what, 16) }),
      ...(raw.traceparent === undefined ? {} : { traceparent: text(raw.traceparent, what, 256) }),
      ...(raw.notify === true ? { notify: true } : {}),
      ...(raw.lasting === true ? { lasting: true } : {}),
    },
    params,
  };
}

/** @param params JSON text on one line; empty with `gone` */
export function encodeAsk(head: AskHead, params: Uint8Array): Buffer {
  return encodeHeaded(head, params);
}

/** @throws MessageError */
export function decodeAsk(body: Buffer): { readonly head: AskHead; readonly params: Buffer } {
  const what = 'ask';
  const { head: raw, json: params } = decodeHeaded(body, what);
  const ask = count(raw.ask, what);
  if (raw.gone === true) return { head: { ask, gone: true }, params };
  return { head: { ask, method: text(raw.method, what, 256) }, params };
}

/** @param json text of the client's result or error, on one line */
export function encodeAnswer(head: AnswerHead, json: Uint8Array): Buffer {
  return encodeHeaded(head, json);
}

/** @throws MessageError */
export function decodeAnswer(body: Buffer): { readonly head: AnswerHead; readonly json: Buffer } {
  const what = 'answer';
  const { head: raw, json } = decodeHeaded(body, what);
  const { kind } = raw;
  if (kind !== 'result' && kind !== 'error') throw new MessageError('bad_shape', what);
  return { head: { ask: count(raw.ask, what), kind }, json };
}
