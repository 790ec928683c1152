import { createServer } from 'node:net';

/** The wished port on 127.0.0.1 when it is free, else any. */
export function freePort(wished) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (wished === 0 ? reject(error) : resolve(freePort(0))));
    probe.listen(wished, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
