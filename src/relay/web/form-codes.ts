import type { Sealer } from '../auth/login/sealer.js';

/**
 * CSRF codes. A form is only shown to, and only accepted from, the browser that holds the cookie of the authorization
 * request; the code proves that the form itself came from our page for that request.
 */
export class FormCodes {
  constructor(private readonly sealer: Sealer) {}

  make(uid: string): string {
    return this.sealer.sign(uid);
  }

  check(uid: string, code: string | undefined): boolean {
    return code !== undefined && this.sealer.signed(uid, code);
  }
}
