import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const HOST = '127.0.0.1';
const PATH = '/callback';
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  connection: 'close',
};

/** An authorization response (RFC 6749 §4.1.2) on its way from the browser to this process. */
export interface Answer {
  readonly parameters: URLSearchParams;
  /** Tells the browser how the login ended; it waits for that. */
  reply(outcome: 'done' | 'failed'): void;
}

export interface CallbackServer {
  readonly redirectUri: string;
  /** The first request with the right state. Stays pending until then. */
  readonly answer: Promise<Answer>;
  /** Ends the listener once the page it is sending has left. */
  close(): void;
}

/** Listens on a free loopback port for the browser's way back (RFC 8252 §7.3). A request with another state changes nothing. */
export async function openCallbackServer(state: string): Promise<CallbackServer> {
  let answered: (answer: Answer) => void;
  const answer = new Promise<Answer>((resolve) => {
    answered = resolve;
  });
  let authority = '';
  let waiting = true;
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (req, res) => {
    const parameters = readAnswer(req, authority);
    if (parameters === undefined) return send(res, 404, 'There is nothing here', 'This address only ends a login.');
    if (!waiting || parameters.get('state') !== state) {
      return send(res, 400, 'Not this login', 'This answers an earlier login. Start again from the newest address.');
    }
    waiting = false;
    answered({ parameters, reply: (outcome) => sendOutcome(res, outcome) });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, HOST, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the callback listener has no port');
  authority = `${HOST}:${address.port}`;
  return {
    redirectUri: `http://${authority}${PATH}`,
    answer,
    close() {
      server.close();
      server.closeIdleConnections();
      // A browser that never reads its page must not keep the command alive.
      setTimeout(() => server.closeAllConnections(), 1_000).unref();
    },
  };
}

/** The query of a request to the callback itself; a rebound host name or another path is not one. */
function readAnswer(req: IncomingMessage, authority: string): URLSearchParams | undefined {
  if (req.method !== 'GET' || req.headers.host !== authority) return undefined;
  const [path, query = ''] = (req.url ?? '').split('?');
  return path === PATH ? new URLSearchParams(query) : undefined;
}

function sendOutcome(res: ServerResponse, outcome: 'done' | 'failed'): void {
  if (outcome === 'done') send(res, 200, 'Logged in', 'You can close this tab.');
  else send(res, 400, 'Not logged in', 'The terminal says why. You can close this tab.');
}

function send(res: ServerResponse, status: number, title: string, text: string): void {
  res.writeHead(status, PAGE_HEADERS);
  res.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:1.1rem system-ui;margin:20vh auto;max-width:28rem;padding:0 1rem;color-scheme:light dark}</style>
<h1>${title}</h1><p>${text}</p></html>`);
}
