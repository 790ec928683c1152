import type { IncomingMessage, ServerResponse } from 'node:http';

const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
].join(', ');

/**
 * Lets clients that run in a browser read the answers, 401 included; their origin has been checked by then. Tokens are
 * sent by the client itself, never by the browser, so no credentials are allowed.
 */
export function cors(req: IncomingMessage, res: ServerResponse, next: () => void): void {
  const { origin } = req.headers;
  if (origin !== undefined) {
    res.setHeader('Access-Control-Allow-Origin', origin);
    res.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate, Mcp-Session-Id');
    res.appendHeader('Vary', 'Origin');
  }
  if (req.method !== 'OPTIONS') {
    next();
    return;
  }
  res
    .writeHead(204, {
      Allow: 'POST, GET, HEAD, DELETE, OPTIONS',
      'Access-Control-Allow-Methods': 'POST, GET, DELETE',
      'Access-Control-Allow-Headers': REQUEST_HEADERS,
      'Access-Control-Max-Age': '86400',
    })
    .end();
}
