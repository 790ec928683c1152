/** JSON bodies of the link's frames: shapes, and checks for the side that receives them. */

import { isServerReason, isServerStatus, type ServerReason, type ServerStatus } from './server-state.js';

/** First frame of an agent. */
export interface Hello {
  /** Protocol versions the agent speaks, best first. */
  readonly versions: readonly number[];
  /** Random per start of the agent: calls are taken up again only by the same instance. */
  readonly instance: string;
  /** Random per machine and config, kept on disk: the same machine coming back replaces its old link. */
  readonly machine: string;
  /** Wished device name. */
  readonly name: string;
  readonly app: { readonly version: string; readonly platform: string };
  /** Ids of calls this instance has received in full and whose final frame the relay may not have. */
  readonly calls: readonly string[];
  /** Every local server's name, so that a device is known before its servers are up. */
  readonly servers: readonly ServerBrief[];
}

export interface ServerBrief {
  readonly name: string;
  readonly status: ServerStatus;
}

/** First frame of a relay. */
export interface Welcome {
  readonly version: number;
  /** The name this device has now; not the wished one when another machine of the user has that. */
  readonly name: string;
  readonly device: string;
  /** Random per start of the relay. */
  readonly relay: string;
  readonly heartbeatSeconds: number;
  readonly pongSeconds: number;
  readonly resultBytes: number;
  /** For each call of `hello.calls` the relay still waits for: bytes of its frames (header and body) it has. Others are to be cancelled. */
  readonly calls: Readonly<Record<string, number>>;
}

/** One server's whole offer, or that it is gone. Sent as often as it changes; the highest `seq` counts. */
export interface Catalog {
  /** Rises with every catalog of this agent's start: long ones may arrive after shorter, newer ones. */
  readonly seq: number;
  readonly server: string;
  readonly status: ServerStatus;
  /** Why it is not ready. */
  readonly reason?: ServerReason;
  /** Absent while the server is not ready. */
  readonly offer?: ServerOffer;
}

/** A server's whole offer: every page of every list. */
export interface ServerOffer {
  readonly protocolVersion: string;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  /** As the server sent them, unknown fields and all. */
  readonly tools: readonly Readonly<Record<string, unknown>>[];
}

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
}

/** Relay is going away: dial again after a random part of `afterMs`, until then the old link finishes its calls. */
export interface Drain {
  readonly afterMs: number;
}

export interface Cancel {
  readonly reason: string;
}

export type MessageErrorCode = 'not_json' | 'bad_shape' | 'too_large';

export class MessageError extends Error {
  constructor(
    readonly code: MessageErrorCode,
    what: string,
  ) {
    super(`bad ${what}: ${code}`);
  }
}

type Shape = Readonly<Record<string, unknown>>;

function parse(body: Uint8Array, what: string): Shape {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    throw new MessageError('not_json', what);
  }
  return object(value, what);
}

function object(value: unknown, what: string): Shape {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MessageError('bad_shape', what);
  return value as Shape;
}

function text(value: unknown, what: string, max = 1024): string {
  if (typeof value !== 'string' || value.length > max) throw new MessageError('bad_shape', what);
  return value;
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new MessageError('bad_shape', what);
  return value;
}

function list<T>(value: unknown, what: string, max: number, item: (value: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw new MessageError('bad_shape', what);
  return value.map(item);
}

function status(value: unknown, what: string): ServerStatus {
  if (!isServerStatus(value)) throw new MessageError('bad_shape', what);
  return value;
}

const CALL_ID = /^[0-9a-f]{32}$/;
/** A relay takes no access token longer than this, and a client's id stands in its token. */
const CLIENT_ID_MAX = 8192;

function callId(value: unknown, what: string): string {
  const id = text(value, what, 32);
  if (!CALL_ID.test(id)) throw new MessageError('bad_shape', what);
  return id;
}

/** @throws MessageError */
export function decodeHello(body: Uint8Array): Hello {
  const what = 'hello';
  const raw = parse(body, what);
  const app = object(raw.app, what);
  return {
    versions: list(raw.versions, what, 16, (v) => count(v, what)),
    instance: text(raw.instance, what, 64),
    machine: text(raw.machine, what, 64),
    name: text(raw.name, what, 64),
    app: { version: text(app.version, what, 64), platform: text(app.platform, what, 64) },
    calls: list(raw.calls, what, 10_000, (v) => callId(v, what)),
    servers: list(raw.servers, what, 256, (v) => {
      const server = object(v, what);
      return { name: text(server.name, what, 64), status: status(server.status, what) };
    }),
  };
}

/** @throws MessageError */
export function decodeWelcome(body: Uint8Array): Welcome {
  const what = 'welcome';
  const raw = parse(body, what);
  const calls: Record<string, number> = {};
  for (const [id, received] of Object.entries(object(raw.calls, what))) calls[callId(id, what)] = count(received, what);
  return {
    version: count(raw.version, what),
    name: text(raw.name, what, 64),
    device: text(raw.device, what, 64),
    relay: text(raw.relay, what, 64),
    heartbeatSeconds: count(raw.heartbeatSeconds, what),
    pongSeconds: count(raw.pongSeconds, what),
    resultBytes: count(raw.resultBytes, what),
    calls,
  };
}

/** @throws MessageError */
export function decodeCatalog(body: Uint8Array): Catalog {
  const what = 'catalog';
  const raw = parse(body, what);
  const state = {
    seq: count(raw.seq, what),
    server: text(raw.server, what, 64),
    status: status(raw.status, what),
    // A newer agent may have words of its own.
    ...(isServerReason(raw.reason) ? { reason: raw.reason } : {}),
  };
  if (raw.offer === undefined) return state;
  const offer = object(raw.offer, what);
  return {
    ...state,
    offer: {
      protocolVersion: text(offer.protocolVersion, what, 32),
      serverInfo: object(offer.serverInfo, what),
      capabilities: object(offer.capabilities, what),
      ...(offer.instructions === undefined ? {} : { instructions: text(offer.instructions, what, 1024 * 1024) }),
      tools: list(offer.tools, what, 10_000, (tool) => {
        const entry = object(tool, what);
        text(entry.name, what, 1024);
        return entry;
      }),
    },
  };
}

/** @throws MessageError */
export function decodeDrain(body: Uint8Array): Drain {
  return { afterMs: count(parse(body, 'drain').afterMs, 'drain') };
}

/** @throws MessageError */
export function decodeCancel(body: Uint8Array): Cancel {
  return { reason: text(parse(body, 'cancel').reason, 'cancel') };
}

/** `call` body: length of the head (4 bytes, big-endian), head as JSON, then the params' JSON text. */
export function encodeCall(head: CallHead, params: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const body = Buffer.allocUnsafe(4 + json.length + params.length);
  body.writeUInt32BE(json.length, 0);
  body.set(json, 4);
  body.set(params, 4 + json.length);
  return body;
}

const ERAS = new Set(['legacy', 'modern']);
const ENDPOINTS = new Set(['aggregate', 'device', 'server']);
const ASKS = new Set(['mrtr', 'push', 'none']);

/** @throws MessageError */
export function decodeCall(body: Buffer): { readonly head: CallHead; readonly params: Buffer } {
  const what = 'call';
  if (body.length < 4) throw new MessageError('bad_shape', what);
  const end = 4 + body.readUInt32BE(0);
  if (end > body.length) throw new MessageError('bad_shape', what);
  const raw = parse(body.subarray(4, end), what);
  const client = object(raw.client, what);
  const { era, endpoint, ask } = client as { era: string; endpoint: string; ask: string };
  if (!ERAS.has(era) || !ENDPOINTS.has(endpoint) || !ASKS.has(ask)) throw new MessageError('bad_shape', what);
  const token = raw.progressToken;
  return {
    head: {
      server: text(raw.server, what, 64),
      method: text(raw.method, what, 256),
      client: {
        era: era as CallClient['era'],
        endpoint: endpoint as CallClient['endpoint'],
        ask: ask as CallClient['ask'],
        protocolVersion: text(client.protocolVersion, what, 32),
        // A client may be known by a URL as long as its token allows.
        id: text(client.id, what, CLIENT_ID_MAX),
        capabilities: object(client.capabilities, what),
        ...(client.info === undefined ? {} : { info: object(client.info, what) }),
      },
      ...(typeof token === 'string' || typeof token === 'number' ? { progressToken: token } : {}),
      ...(raw.logLevel === undefined ? {} : { logLevel: text(raw.logLevel, what, 16) }),
      ...(raw.traceparent === undefined ? {} : { traceparent: text(raw.traceparent, what, 256) }),
    },
    params: body.subarray(end),
  };
}

/** `window` body: 8 bytes, big-endian: the sender of this call's frames may go up to this many bytes (header and body) in all. */
export function encodeWindow(limit: number): Buffer {
  const body = Buffer.allocUnsafe(8);
  body.writeBigUInt64BE(BigInt(limit), 0);
  return body;
}

/** @throws MessageError */
export function decodeWindow(body: Buffer): number {
  if (body.length !== 8) throw new MessageError('bad_shape', 'window');
  const limit = Number(body.readBigUInt64BE(0));
  if (!Number.isSafeInteger(limit)) throw new MessageError('bad_shape', 'window');
  return limit;
}

/** @returns the JSON text of a message body */
export function encodeJson(value: Hello | Welcome | Catalog | Drain | Cancel): Buffer {
  return Buffer.from(JSON.stringify(value));
}
