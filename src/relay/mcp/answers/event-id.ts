/** Event ids of one session: which stream, which event of it, and for which request (25N transports, "Resumability"). */

export interface EventId {
  /** Name of a call's stream, unique within a session also over restarts of the relay; '' for a GET stream. */
  readonly stream: string;
  readonly sequence: number;
  /** JSON text of the request's id, where it is short enough to travel along. */
  readonly requestId?: string;
}

/** A GET stream's only id: what it announces is compared with what the client knows, so nothing is replayed. */
export const LISTEN_ID = 'listen.0.';

const FORM = /^([A-Za-z0-9_-]{1,40})\.(\d{1,15})\.([A-Za-z0-9_-]{0,120})$/;
const MAX_REQUEST_ID = 80;

/** The part of an event id that all events of one stream share, behind the sequence number. */
export function requestTag(requestId: string): string {
  const bytes = Buffer.from(requestId);
  return bytes.length > MAX_REQUEST_ID ? '' : bytes.toString('base64url');
}

export function formatEventId(stream: string, sequence: number, tag: string): string {
  return `${stream}.${sequence}.${tag}`;
}

/** @returns undefined for what no stream of ours has sent */
export function parseEventId(text: string): EventId | undefined {
  const [, stream, sequence, tag] = FORM.exec(text) ?? [];
  if (stream === undefined || sequence === undefined || tag === undefined) return undefined;
  const requestId = readTag(tag);
  return {
    stream: stream === 'listen' ? '' : stream,
    sequence: Number(sequence),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

function readTag(tag: string): string | undefined {
  if (tag === '') return undefined;
  const text = Buffer.from(tag, 'base64url').toString('utf8');
  try {
    const id: unknown = JSON.parse(text);
    // The text goes into an event: line breaks around the value would make it two.
    return (typeof id === 'string' || typeof id === 'number') && !/[\r\n]/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
