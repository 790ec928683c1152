import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Headers on every answer; pages set a stricter policy of their own. */
export function securityHeaders(publicUrl: string): RequestHandler {
  return helmet({
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
}
