import { Buffer } from 'node:buffer';
import { tooDeep } from '../../protocol/depth.js';

/** Nesting that is surely no server's intent, and that the relay does not take either. */
const DEPTH_MAX = 100;

/** Length of the JSON text of a parsed value; undefined where it is nested so deep that writing it could fail. */
export function jsonLength(value: unknown): number | undefined {
  return tooDeep(value, DEPTH_MAX) ? undefined : JSON.stringify(value)?.length;
}

/** The same in bytes of UTF-8. */
export function jsonBytes(value: unknown): number | undefined {
  return tooDeep(value, DEPTH_MAX) ? undefined : Buffer.byteLength(JSON.stringify(value) ?? '');
}
