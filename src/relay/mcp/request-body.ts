import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from './gathered-bytes.js';
import type { OpenBody } from './open-bodies.js';

export type BodyRead =
  | { readonly kind: 'whole'; readonly body: Buffer }
  | { readonly kind: 'too_large' }
  /** The relay holds as much of requests as it may. */
  | { readonly kind: 'no_room' }
  /** The client went away before the end; there is nobody to answer. */
  | { readonly kind: 'aborted' };

/**
 * Reads a request's body up to `maxBytes`. Of a larger one as much again is thrown away, so that a client that is
 * still sending gets to read the refusal.
 *
 * @param open counts what is held of it
 * @param done told once; must not throw
 */
export function readRequestBody(
  req: IncomingMessage,
  maxBytes: number,
  open: OpenBody,
  done: (read: BodyRead) => void,
): void {
  if (Number(req.headers['content-length'] ?? 0) > 2 * maxBytes) {
    done({ kind: 'too_large' });
    return;
  }
  let gathered = new GatheredBytes();
  let bytes = 0;
  let told = false;
  const tell = (read: BodyRead) => {
    if (told) return;
    told = true;
    done(read);
  };
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    const tooLarge = bytes > maxBytes;
    if (!told && !tooLarge && open.add(chunk.length)) gathered.add(chunk);
    else if (gathered.bytes > 0) {
      gathered = new GatheredBytes();
      open.close();
    }
    if (!tooLarge && gathered.bytes < bytes) tell({ kind: 'no_room' });
    // What still comes is read and dropped until the answer has closed the connection.
    if (bytes > 2 * maxBytes) tell({ kind: 'too_large' });
  });
  req.on('end', () => {
    if (bytes > maxBytes) tell({ kind: 'too_large' });
    else tell({ kind: 'whole', body: gathered.whole() });
  });
  const gone = () => tell({ kind: 'aborted' });
  req.on('error', gone);
  req.on('close', gone);
}
