import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import type { AuthorizationServer } from './authorization-server.js';
import { tidyAuthorizeQuery } from './authorize-request.js';
import { DEVICE_PATH } from './device-flow.js';

const AS_METADATA = '/.well-known/oauth-authorization-server';
const OIDC_METADATA = '/.well-known/openid-configuration';

/**
 * Serves the authorization server at its paths on the relay's origin and lets every other request pass. Call it before
 * any body parser and before Nest makes its routes: oidc-provider reads bodies itself, with a limit of its own.
 */
export function mountAuthorizationServer(app: Express, server: AuthorizationServer): void {
  const { requests, tokens, registrations, deviceCodes, userCodes } = server.rateLimits;
  const serve = (req: Request, res: Response): Promise<void> => server.handle(req, res);
  const authorize = (req: Request, res: Response): Promise<void> => {
    const [path, query = ''] = req.url.split('?', 2);
    req.url = `${path}?${tidyAuthorizeQuery(new URLSearchParams(query), server.resources)}`;
    return server.handle(req, res);
  };
  const enterCode = (req: Request, res: Response): Promise<void> => {
    // A code in the address fills in the page's field (deviceFlow); oidc-provider would send it off at once.
    if (req.method !== 'POST') req.url = DEVICE_PATH;
    return server.handle(req, res);
  };

  app.use('/.well-known', openToAnyOrigin('GET'), requests);
  app.use([AS_METADATA, OIDC_METADATA], exactly('GET', serve));
  // A client that guesses a metadata path of an endpoint needs a plain "no": a document would name another issuer.
  app.use(/^\/mcp(?:\/.*)?\/\.well-known\/.*$/, openToAnyOrigin('GET'), requests, (_req, res) => notFound(res));
  app.use('/jwks', requests, exactly('GET', serve));
  app.use('/authorize', requests, exactly('GET', authorize, serve));
  app.use(`${DEVICE_PATH}/auth`, deviceCodes, exactly('POST', serve));
  app.use(DEVICE_PATH, requests, ofPosts(userCodes), exactly(['GET', 'POST'], enterCode, serve));
  app.use('/token', tokens, exactly('POST', serve));
  app.use('/revoke', tokens, exactly('POST', serve));
  app.use('/register', openToAnyOrigin('POST'), registrations, exactly('POST', serve));
}

/** `limit` for what is sent, not for what is only looked at. */
function ofPosts(limit: RequestHandler): RequestHandler {
  return (req, res, next) => (req.method === 'POST' ? limit(req, res, next) : next());
}

type Method = 'GET' | 'POST';
type Handler = (req: Request, res: Response) => Promise<void>;

/**
 * `handler` for the mounted path itself and `below` for one segment below it; a plain JSON answer for anything else,
 * since clients that probe must never get HTML or a challenge here.
 */
function exactly(allowed: Method | readonly Method[], handler: Handler, below?: Handler) {
  const methods = [allowed].flat();
  const known: readonly string[] = [...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])];
  return async (req: Request, res: Response): Promise<void> => {
    const segments = req.path.split('/').filter((segment) => segment !== '');
    const chosen = segments.length === 0 ? handler : segments.length === 1 ? below : undefined;
    // oidc-provider builds its URLs from an absolute request target, which only a proxy would send.
    if (chosen === undefined || !req.originalUrl.startsWith('/')) return notFound(res);
    if (!known.includes(req.method)) {
      res.setHeader('Allow', methods.join(', '));
      res.status(405).json({ error: 'method_not_allowed' });
      return;
    }
    // Express has cut the mount path off; oidc-provider routes by the whole one.
    req.url = req.originalUrl;
    req.baseUrl = '';
    await chosen(req, res);
  };
}

/** Metadata and registration are open to web pages of any origin (RFC 9728 §3.1, RFC 8414 §3); no cookie is read there. */
function openToAnyOrigin(method: 'GET' | 'POST') {
  return (req: Request, res: Response, next: NextFunction): void => {
    res.setHeader('Access-Control-Allow-Origin', '*');
    if (req.method !== 'OPTIONS') {
      next();
      return;
    }
    res.setHeader('Access-Control-Allow-Methods', method);
    res.setHeader('Access-Control-Allow-Headers', req.headers['access-control-request-headers'] ?? '*');
    res.setHeader('Access-Control-Max-Age', '3600');
    res.status(204).end();
  };
}

function notFound(res: Response): void {
  res.status(404).json({ error: 'not_found' });
}
