import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what Linux (from 32768 on), macOS and Windows give to outgoing connections: what ends finds its port free again. */
const FIRST = 10_000;
const LAST = 32_767;

/** The wished port on 127.0.0.1 when it is free, else any that nobody listens on and no outgoing connection is given. */
export async function freePort(wished = 0) {
  for (let port = wished; ; port = randomInt(FIRST, LAST + 1)) if (port !== 0 && (await isFree(port))) return port;
}

function isFree(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
