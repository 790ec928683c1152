import type { IncomingMessage } from 'node:http';

export type BodyRead =
  | { readonly kind: 'whole'; readonly body: Buffer }
  | { readonly kind: 'too_large' }
  /** The client went away before the end; there is nobody to answer. */
  | { readonly kind: 'aborted' };

/**
 * Reads a request's body up to `maxBytes`. Of a larger one as much again is thrown away, so that a client that is
 * still sending gets to read the refusal. Never rejects.
 */
export function readRequestBody(req: IncomingMessage, maxBytes: number): Promise<BodyRead> {
  if (Number(req.headers['content-length'] ?? 0) > 2 * maxBytes) return Promise.resolve({ kind: 'too_large' });
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks = [];
      // What still comes is read and dropped until the answer has closed the connection.
      if (bytes > 2 * maxBytes) resolve({ kind: 'too_large' });
    });
    req.once('end', () => {
      const [only] = chunks;
      if (bytes > maxBytes) resolve({ kind: 'too_large' });
      else
        resolve({
          kind: 'whole',
          body: only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes),
        });
    });
    req.on('error', () => resolve({ kind: 'aborted' }));
    req.once('close', () => resolve({ kind: 'aborted' }));
  });
}
