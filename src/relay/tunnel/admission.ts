import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { LINK_PATH, SUBPROTOCOL } from '../../protocol/frames.js';
import { bearerToken, challenge, hasTokenInQuery } from '../auth/bearer.js';
import type { Principal } from '../auth/principal.js';
import { TokenError } from '../auth/token-error.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { Draining } from '../draining.js';
import { LinkPace } from './link-pace.js';
import { UpgradeRefused } from './upgrade-refused.js';

/** Decides on upgrades, before any WebSocket exists; Host has been checked by then. */
@Injectable()
export class Admission {
  constructor(
    @Inject(TokenVerifier) private readonly verifier: TokenVerifier,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(LinkPace) private readonly pace: LinkPace,
  ) {}

  /** Resolves when it is this agent's turn. @returns who may open a link. @throws UpgradeRefused */
  async admit(req: IncomingMessage): Promise<Principal> {
    if (pathOf(req) !== LINK_PATH) throw new UpgradeRefused(404, 'not_found', 'there is no WebSocket here');
    // Agents are programs; a browser would be a page that rides on somebody's login (CWE-1385).
    if (req.headers.origin !== undefined) throw new UpgradeRefused(403, 'forbidden', 'not for browsers');
    if (hasTokenInQuery(req)) {
      throw new UpgradeRefused(
        400,
        'invalid_request',
        'send the access token in the Authorization header, never in the URL',
      );
    }
    if (this.draining.draining) {
      throw UpgradeRefused.restarting();
    }
    const principal = await this.#principal(req);
    const protocols = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!protocols.includes(SUBPROTOCOL)) {
      throw new UpgradeRefused(400, 'invalid_request', `the relay speaks the subprotocol ${SUBPROTOCOL}`);
    }
    const turn = this.pace.turn(principal.userId, req.socket);
    if (turn === undefined) return principal;
    await turn;
    // Access may have ended while it waited.
    return this.#principal(req);
  }

  async #principal(req: IncomingMessage): Promise<Principal> {
    const { tunnel, issuer } = this.verifier.resources;
    try {
      return await this.verifier.verify(bearerToken(req), { scope: tunnel.scope, resource: tunnel.uri });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const headers = { 'WWW-Authenticate': challenge(issuer, tunnel, error) };
      if (error.code === 'insufficient_scope') throw new UpgradeRefused(403, error.code, error.message, headers);
      throw new UpgradeRefused(
        401,
        error.code === 'missing' ? 'unauthorized' : 'invalid_token',
        error.message,
        headers,
      );
    }
  }
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '').split('?', 1)[0] ?? '';
}
