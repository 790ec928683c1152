// The suite has no option for a token: this stands in front of an endpoint and adds one. Otherwise as a reverse proxy is:
// its own name becomes the relay's in Host and Origin, and any other is passed on, for the relay to refuse.
import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** @returns {Promise<{url: string, close: () => Promise<void>}>} */
export async function startTokenProxy(target, token) {
  const { host, hostname, port, pathname, origin } = new URL(target);
  const server = createServer((req, res) => {
    const own = `127.0.0.1:${server.address().port}`;
    const headers = { ...req.headers, authorization: `Bearer ${token}` };
    if (headers.host === own) headers.host = host;
    if (headers.origin === `http://${own}`) headers.origin = origin;
    const onward = request({ hostname, port, path: pathname, method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/mcp`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
