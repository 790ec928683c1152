import { createHash, randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import type { CallHead } from '../../../protocol/call-messages.js';
import type { Clock } from '../../servers/clock.js';
import { isRecord } from '../../servers/messages.js';
import { type JsonObject, parsedObject } from '../json-edit.js';

/** By it our own states are known from those that servers make, which are passed on as they are. */
const PREFIX = 'mlt1.';
const PURPOSE = 'mcp-request-state';
/** Longer ones were not made here. */
const MAX_LENGTH = 256 * 1024;

/** What a client brings back with its answers. */
export type RequestState =
  /** A call to a legacy server that waits in this process. */
  | { readonly kind: 'parked'; readonly handle: string }
  /** Nothing waits: the request is made anew once URLs were visited. The questions are kept to ask them again. */
  | { readonly kind: 'replay'; readonly handle: string; readonly asks: JsonObject }
  /** A modern server's own state, JSON text, and the keys of the roots that the agent answers itself. */
  | { readonly kind: 'roots'; readonly upstream: string | undefined; readonly keys: readonly string[] };

/** Seals what a client must bring back unchanged (JWE, direct A256GCM; MCP 2026-07-28 basic/patterns/mrtr, server requirements). */
export class RequestStates {
  /** @param key 32 bytes, the same after a restart */
  constructor(
    private readonly key: () => Uint8Array,
    private readonly clock: Clock,
  ) {}

  /** @param bound as `boundTo` made it: with any other request it does not open @param ttlMs how long it opens */
  async seal(state: RequestState, bound: string, ttlMs: number): Promise<string> {
    const jwt = await new EncryptJWT({ state, bound })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setAudience(PURPOSE)
      .setExpirationTime(new Date(this.clock.now() + ttlMs))
      .encrypt(this.key());
    return PREFIX + jwt;
  }

  /** Undefined for what was not sealed here, was sealed for another request, or has expired. */
  async open(text: unknown, bound: string): Promise<RequestState | undefined> {
    if (typeof text !== 'string' || !text.startsWith(PREFIX) || text.length > MAX_LENGTH) return undefined;
    try {
      const { payload } = await jwtDecrypt(text.slice(PREFIX.length), this.key(), {
        audience: PURPOSE,
        currentDate: new Date(this.clock.now()),
        requiredClaims: ['exp'],
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return payload.bound === bound ? decode(payload.state) : undefined;
    } catch {
      return undefined;
    }
  }
}

function decode(value: unknown): RequestState | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, handle, asks, upstream, keys } = value;
  if (kind === 'parked' && typeof handle === 'string') return { kind, handle };
  if (kind === 'replay' && typeof handle === 'string' && isRecord(asks)) return { kind, handle, asks };
  if (kind !== 'roots' || !Array.isArray(keys) || (upstream !== undefined && typeof upstream !== 'string'))
    return undefined;
  return { kind, upstream, keys: keys.filter((key) => typeof key === 'string') };
}

/** 128 random bits: nobody guesses another's. */
export function newHandle(): string {
  return randomBytes(16).toString('base64url');
}

/** What a retry adds to the request's params; the rest must be as it was. */
export const RETRY_MEMBERS = ['inputResponses', 'requestState'];

/**
 * One text for one request of one client: hash of the client, the endpoint, the server, the method and the params but for
 * `_meta` and what a retry adds. Order of members and spelling of numbers do not matter.
 */
export function boundTo({ client, server, method }: CallHead, params: Uint8Array): string {
  const { _meta, inputResponses, requestState, ...salient } = parsedObject(params);
  const text = JSON.stringify([client.id, client.endpoint, client.uriKey ?? '', server, method, canonical(salient)]);
  return createHash('sha256').update(text).digest('base64url');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).sort();
  // In an object of its own, so that no array of the client's looks the same.
  return { members: names.map((name) => [name, canonical(value[name])]) };
}
