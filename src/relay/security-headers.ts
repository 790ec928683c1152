import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** Headers on every answer, the same for all of them; pages set a stricter policy of their own. */
export function securityHeaders(publicUrl: string): ReadonlyMap<string, string> {
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'base-uri': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // A web client opens sign-in as a popup and hears from it through window.opener.
    crossOriginOpenerPolicy: false,
    // With `no-referrer` browsers send `Origin: null` with our own forms, which HostRule refuses.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: publicUrl.startsWith('https:') ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
  // None of them depends on the request: they are made once, and not by a chain of functions for each.
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  set(req, res, (error) => {
    if (error !== undefined) throw error;
  });
  return new Map(res.getHeaderNames().map((name) => [name, String(res.getHeader(name))]));
}
