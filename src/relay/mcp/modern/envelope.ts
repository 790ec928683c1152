import { isShape, type Shape } from '../json-rpc.js';

/** The `_meta` keys by which every request of the stateless revision says who asks (26 basic, "_meta"). */
const PREFIX = 'io.modelcontextprotocol/';
const VERSION = `${PREFIX}protocolVersion`;
const CAPABILITIES = `${PREFIX}clientCapabilities`;
const INFO = `${PREFIX}clientInfo`;
const LOG_LEVEL = `${PREFIX}logLevel`;

export const SERVER_INFO = `${PREFIX}serverInfo`;
export const SUBSCRIPTION_ID = `${PREFIX}subscriptionId`;

/** W3C Trace Context §3.2. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What one request says of its client; nothing of it holds for the next request. */
export interface Envelope {
  readonly version: string;
  readonly capabilities: Shape;
  readonly info: Shape | undefined;
  /** As it came: a bad one is an error of the request, not of the envelope (26 server/utilities/logging). */
  readonly logLevel: unknown;
  readonly traceparent: string | undefined;
}

/** The version a request's envelope claims, whatever it is; undefined: it has none. */
export function claimedVersion(params: Shape | undefined): unknown {
  return metaOf(params)?.[VERSION];
}

/** @returns the envelope, or, as text, which of its keys are missing or wrong */
export function readEnvelope(params: Shape | undefined): Envelope | string {
  const meta = metaOf(params) ?? {};
  const { [VERSION]: version, [CAPABILITIES]: capabilities, [INFO]: info } = meta;
  const missing = [VERSION, CAPABILITIES].filter((key) => meta[key] === undefined);
  if (missing.length > 0) return `params._meta needs ${missing.join(' and ')}`;
  if (typeof version !== 'string') return `params._meta["${VERSION}"] must be a string`;
  if (!isShape(capabilities)) return `params._meta["${CAPABILITIES}"] must be an object`;
  if (info !== undefined && !isShape(info)) return `params._meta["${INFO}"] must be an object`;
  return { version, capabilities, info, logLevel: meta[LOG_LEVEL], traceparent: traceContext(meta.traceparent) };
}

/** A W3C `traceparent`; undefined for what is none. */
export function traceContext(value: unknown): string | undefined {
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined;
}

function metaOf(params: Shape | undefined): Shape | undefined {
  return isShape(params?._meta) ? params._meta : undefined;
}
