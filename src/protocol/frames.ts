/**
 * The link's frames. One WebSocket binary message is one frame:
 *
 *   byte 0       type (FrameType)
 *   byte 1       flags: bit 0 MORE (this message goes on in a later frame of the same type and id)
 *   bytes 2..17  call or stream id, 16 bytes; all zero where a frame belongs to no call
 *   bytes 18..   body
 *
 * docs/protocol.md states every body.
 */

export const SUBPROTOCOL = 'mcp-tunnel.1';
export const PROTOCOL_VERSION = 1;
export const LINK_PATH = '/ws';

export const HEADER_BYTES = 18;
/** What Node reads from a socket at once, at most. */
const READ_BYTES = 64 * 1024;
/** Of a masked frame (RFC 6455 §5.2) whose payload is shorter than 64 KiB. */
const WEBSOCKET_HEADER_BYTES = 8;
/**
 * A sender splits longer bodies. A full frame with all around it is just one read: its receiver then takes it as it lies,
 * where a longer one would be copied together from two reads.
 */
export const MAX_BODY_BYTES = READ_BYTES - WEBSOCKET_HEADER_BYTES - HEADER_BYTES;
/** A frame of a message that goes on. */
export const FULL_FRAME_BYTES = HEADER_BYTES + MAX_BODY_BYTES;
/** A receiver closes with 1009 above this (the WebSocket's own `maxPayload`). */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** What one call may have in flight towards a peer before that peer grants more; counts header and body. */
export const CALL_WINDOW_BYTES = 256 * 1024;

export const FrameType = {
  // agent to relay
  hello: 1,
  catalog: 2,
  event: 3,
  ask: 4,
  result: 5,
  error: 6,
  goodbye: 7,
  // relay to agent
  welcome: 32,
  call: 33,
  answer: 34,
  cancel: 35,
  drain: 36,
  // both
  window: 64,
} as const;

export type FrameTypeName = keyof typeof FrameType;
export type FrameTypeCode = (typeof FrameType)[FrameTypeName];

/** Sent by an agent only. */
export const AGENT_FRAMES: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 64]);
/** Sent by a relay only. */
export const RELAY_FRAMES: ReadonlySet<number> = new Set([32, 33, 34, 35, 36, 64]);

export interface Frame {
  readonly type: FrameTypeCode;
  /** More frames of the same type and id complete this message. */
  readonly more: boolean;
  /** 32 hexadecimal digits; NO_ID where the frame belongs to no call. */
  readonly id: string;
  readonly body: Buffer;
}

export const NO_ID = '0'.repeat(32);

export type FrameErrorCode = 'too_short' | 'too_large' | 'unknown_type' | 'bad_flags';

export class FrameError extends Error {
  constructor(readonly code: FrameErrorCode) {
    super(`bad frame: ${code}`);
  }
}

/**
 * Body is copied once, behind its header.
 * @param room where the frame may lie; used when it is just as large
 */
export function encodeFrame(
  type: FrameTypeCode,
  more: boolean,
  id: string,
  body: Uint8Array,
  room?: Buffer | undefined,
): Buffer {
  const bytes = HEADER_BYTES + body.length;
  const frame = room?.length === bytes ? room : Buffer.allocUnsafe(bytes);
  frame[0] = type;
  frame[1] = more ? 1 : 0;
  frame.write(id, 2, 16, 'hex');
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * @param accept the types the peer may send: AGENT_FRAMES or RELAY_FRAMES
 * @returns a frame whose body shares memory with `data`
 * @throws FrameError
 */
export function decodeFrame(data: Buffer, accept: ReadonlySet<number>): Frame {
  if (data.length < HEADER_BYTES) throw new FrameError('too_short');
  if (data.length > MAX_FRAME_BYTES) throw new FrameError('too_large');
  const type = data[0] as number;
  const flags = data[1] as number;
  if (!accept.has(type)) throw new FrameError('unknown_type');
  if (flags > 1) throw new FrameError('bad_flags');
  return {
    type: type as FrameTypeCode,
    more: flags === 1,
    id: data.toString('hex', 2, HEADER_BYTES),
    body: data.subarray(HEADER_BYTES),
  };
}
