import type { Readable } from 'node:stream';
import type { AgentSnapshot } from '../agent-types.js';

/**
 * What processes of one user say to each other over the control socket: one JSON object a line, requests with an id of the
 * sender's, each answered once. The first request of a connection is `hello`.
 */
export const CONTROL_PROTOCOL = 1;
const CONTROL_LINE_BYTES = 1024 * 1024;

/** `daemon`: started by MCP clients and ended with the last of them. `foreground`: a person's own `agent` command. */
export type HolderKind = 'daemon' | 'foreground';

/** `session`: keeps a daemon alive while the connection lives. `visitor`: only asks. */
export type PeerRole = 'session' | 'visitor';

export type ControlRequest =
  | { readonly id: number; readonly op: 'hello'; readonly role: PeerRole; readonly protocol: number }
  | { readonly id: number; readonly op: 'status' }
  | { readonly id: number; readonly op: 'restart'; readonly server?: string }
  | { readonly id: number; readonly op: 'ping' }
  | { readonly id: number; readonly op: 'stop' };

/** Who answers at the control socket. */
export interface HolderInfo {
  readonly protocol: number;
  readonly version: string;
  /** Hash of the config it runs with, see configHash. */
  readonly configHash: string;
  readonly pid: number;
  readonly kind: HolderKind;
  /** It has been told to end: wait for the connection to close. */
  readonly stopping: boolean;
}

/**
 * - `bad_request`: not a request of this protocol
 * - `starting`: no agent yet
 * - `refused`: a foreground agent is stopped by its own terminal only
 * - `unknown_server`: no local server of that name
 * - `failed`: anything else that went wrong in the holder
 * - `no_answer`: the holder lives and does not answer (client side)
 * - `gone`: the connection ended before the answer (client side)
 */
export type ControlErrorCode =
  | 'bad_request'
  | 'starting'
  | 'refused'
  | 'unknown_server'
  | 'failed'
  | 'no_answer'
  | 'gone';

export type ControlReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: ControlErrorCode; readonly message: string } };

/** A request over the control socket that got no result. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  constructor(
    readonly code: ControlErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const ERROR_CODES: readonly string[] = [
  'bad_request',
  'starting',
  'refused',
  'unknown_server',
  'failed',
] satisfies ControlErrorCode[];

/** Calls `onLine` with each line of a stream; `onFlood` once when a line is too long, after which nothing more is read. */
export function readLines(stream: Readable, onLine: (line: string) => void, onFlood: () => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > CONTROL_LINE_BYTES) {
      rest = '';
      stream.removeAllListeners('data');
      return onFlood();
    }
    for (const line of lines) onLine(line);
  });
}

/** @returns undefined for anything that is no request of this protocol */
export function decodeRequest(line: string): ControlRequest | undefined {
  const value = parseObject(line);
  if (value === undefined || typeof value.id !== 'number') return undefined;
  const { id, op } = value;
  if (op === 'status' || op === 'ping' || op === 'stop') return { id, op };
  if (op === 'restart') {
    if (value.server === undefined) return { id, op };
    return typeof value.server === 'string' ? { id, op, server: value.server } : undefined;
  }
  if (op !== 'hello' || typeof value.protocol !== 'number') return undefined;
  if (value.role !== 'session' && value.role !== 'visitor') return undefined;
  return { id, op, role: value.role, protocol: value.protocol };
}

/** @returns undefined for anything that is no reply of this protocol */
export function decodeReply(line: string): ControlReply | undefined {
  const value = parseObject(line);
  if (value === undefined || typeof value.id !== 'number') return undefined;
  if ('result' in value) return { id: value.id, result: value.result };
  const error = asObject(value.error);
  if (error === undefined || typeof error.message !== 'string') return undefined;
  return { id: value.id, error: { code: isErrorCode(error.code) ? error.code : 'failed', message: error.message } };
}

export function isHolderInfo(value: unknown): value is HolderInfo {
  const info = asObject(value);
  return (
    info !== undefined &&
    typeof info.protocol === 'number' &&
    typeof info.version === 'string' &&
    typeof info.configHash === 'string' &&
    typeof info.pid === 'number' &&
    (info.kind === 'daemon' || info.kind === 'foreground') &&
    typeof info.stopping === 'boolean'
  );
}

export function isSnapshot(value: unknown): value is AgentSnapshot {
  const snapshot = asObject(value);
  return (
    snapshot !== undefined &&
    ['connecting', 'online', 'offline', 'refused'].some((link) => link === snapshot.link) &&
    typeof snapshot.since === 'number' &&
    typeof snapshot.relay === 'string' &&
    typeof snapshot.callsRunning === 'number' &&
    typeof snapshot.version === 'string' &&
    typeof snapshot.pid === 'number' &&
    isServerStates(snapshot.servers)
  );
}

export function isServerStates(value: unknown): value is AgentSnapshot['servers'] {
  return Array.isArray(value) && value.every(isServerState);
}

function isServerState(value: unknown): boolean {
  const state = asObject(value);
  return (
    state !== undefined &&
    typeof state.name === 'string' &&
    typeof state.status === 'string' &&
    typeof state.tools === 'number'
  );
}

function isErrorCode(value: unknown): value is ControlErrorCode {
  return typeof value === 'string' && ERROR_CODES.includes(value);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
