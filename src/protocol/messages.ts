/** JSON bodies of the link's frames: shapes, and checks for the side that receives them. */

import { count, list, MessageError, object, parse, text } from './message-reader.js';
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
  /** Which revisions of MCP the server speaks: with `initialize` and sessions, or stateless (2026-07-28). */
  readonly era: 'legacy' | 'modern';
  readonly protocolVersion: string;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  /** Entries of all lists as the server sent them, unknown fields and all. */
  readonly tools: readonly Entry[];
  readonly prompts: readonly Entry[];
  readonly resources: readonly Entry[];
  readonly resourceTemplates: readonly Entry[];
  /** False: the machine's owner wants lists told as they are, not fitted to what single client programs take. */
  readonly fit: boolean;
}

export type Entry = Readonly<Record<string, unknown>>;

/** Relay is going away: dial again after a random part of `afterMs`, until then the old link finishes its calls. */
export interface Drain {
  readonly afterMs: number;
}

export interface Cancel {
  readonly reason: string;
}

function status(value: unknown, what: string): ServerStatus {
  if (!isServerStatus(value)) throw new MessageError('bad_shape', what);
  return value;
}

const CALL_ID = /^[0-9a-f]{32}$/;
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
    calls: list(raw.calls, what, 20_000, (v) => callId(v, what)),
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
  return catalogOf(parse(body, 'catalog'));
}

/**
 * A catalog out of its JSON, an older one's too: what that does not say has a default.
 *
 * @throws MessageError
 */
export function catalogOf(value: unknown): Catalog {
  const what = 'catalog';
  const raw = object(value, what);
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
      era: offer.era === 'modern' ? 'modern' : 'legacy',
      tools: entries(offer.tools, 'name'),
      prompts: entries(offer.prompts, 'name'),
      resources: entries(offer.resources, 'uri'),
      resourceTemplates: entries(offer.resourceTemplates, 'uriTemplate'),
      fit: offer.fit !== false,
    },
  };
}

/** A list of an offer; absent where the agent has nothing of the kind. */
function entries(value: unknown, key: 'name' | 'uri' | 'uriTemplate'): Entry[] {
  const what = 'catalog';
  if (value === undefined) return [];
  return list(value, what, 10_000, (item) => {
    const entry = object(item, what);
    text(entry[key], what, key === 'name' ? 1024 : 8192);
    return entry;
  });
}

/** @throws MessageError */
export function decodeDrain(body: Uint8Array): Drain {
  return { afterMs: count(parse(body, 'drain').afterMs, 'drain') };
}

/** Tells the agent that nobody waits for a call any more. */
export function encodeCancel(reason: string): Buffer {
  return encodeJson({ reason: reason.slice(0, 500) });
}

/** @throws MessageError */
export function decodeCancel(body: Uint8Array): Cancel {
  return { reason: text(parse(body, 'cancel').reason, 'cancel') };
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
