import { type CanActivate, type ExecutionContext, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { bearerToken, challenge, hasTokenInQuery } from './bearer.js';
import type { Principal } from './principal.js';
import type { Resource, Scope } from './resources.js';
import { TokenError } from './token-error.js';
import { TokenVerifier } from './token-verifier.js';

const KEY = Symbol('principal');

class Authenticated {
  constructor(
    readonly principal: Principal,
    readonly issuer: string,
    readonly resource: Resource,
  ) {}
}

/** Whoever BearerGuard let through. @throws Error on a route without the guard, which is a mistake in the program */
export function principalOf(req: object): Principal {
  return authenticated(req).principal;
}

/**
 * The WWW-Authenticate of a 403 for an operation that needs more than opening its endpoint does (RFC 6750 §3.1).
 * @param more the scope that the token lacks; the challenge names all that the operation needs (26 authorization,
 * "Runtime Insufficient Scope Errors")
 * @param description US-ASCII without quotes
 * @throws Error as `principalOf`
 */
export function scopeChallenge(req: object, more: Scope, description: string): string {
  const { issuer, resource } = authenticated(req);
  const error = { code: 'insufficient_scope', message: description } as const;
  return challenge(issuer, resource, error, `${resource.scope} ${more}`);
}

function authenticated(req: object): Authenticated {
  const held: unknown = Reflect.get(req, KEY);
  if (!(held instanceof Authenticated)) throw new Error('BearerGuard does not guard this route');
  return held;
}

/** Lets a request through whose access token is for its very path, and answers 400, 401 or 403 as RFC 6750 §3.1 says. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(private readonly verifier: TokenVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    const resource = this.verifier.resources.at(req.path);
    if (resource === undefined) throw refusal(404, 'not_found', 'there is no such endpoint');
    if (hasTokenInQuery(req)) {
      throw refusal(400, 'invalid_request', 'send the access token in the Authorization header, never in the URL');
    }
    const principal = await this.#principal(req, res, resource);
    Reflect.set(req, KEY, new Authenticated(principal, this.verifier.resources.issuer, resource));
    return true;
  }

  async #principal(req: Request, res: Response, resource: Resource): Promise<Principal> {
    try {
      return await this.verifier.verify(bearerToken(req), { scope: resource.scope, resource: resource.uri });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      res.setHeader('WWW-Authenticate', challenge(this.verifier.resources.issuer, resource, error));
      if (error.code === 'insufficient_scope') throw refusal(403, 'insufficient_scope', error.message);
      throw refusal(401, error.code === 'missing' ? 'unauthorized' : 'invalid_token', error.message);
    }
  }
}

function refusal(status: number, error: string, description: string): HttpException {
  return new HttpException({ error, error_description: description }, status);
}
