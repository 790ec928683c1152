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
    const done = (read: BodyRead) => {
      req.removeAllListeners('data');
      resolve(read);
    };
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks = [];
      if (bytes > 2 * maxBytes) done({ kind: 'too_large' });
    });
    req.once('end', () => {
      if (bytes > maxBytes) return done({ kind: 'too_large' });
      const [only] = chunks;
      done({ kind: 'whole', body: only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes) });
    });
    req.on('error', () => done({ kind: 'aborted' }));
    req.once('close', () => done({ kind: 'aborted' }));
  });
}
