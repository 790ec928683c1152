import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CanActivate, type ExecutionContext, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { bearerToken, challenge, hasTokenInQuery, requestPath } from './bearer.js';
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

interface Held {
  [KEY]?: Authenticated;
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
  const held = (req as Held)[KEY];
  if (held === undefined) throw new Error('BearerGuard does not guard this route');
  return held;
}

/** Lets a request through whose access token is for its very path, and answers 400, 401 or 403 as RFC 6750 §3.1 says. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(private readonly verifier: TokenVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const req = http.getRequest<Request>();
    const resource = this.#resource(req);
    this.#hold(req, resource, await this.#principal(req, http.getResponse<Response>(), resource));
    return true;
  }

  /**
   * As `canActivate`, at once, where a request has no token, or one that was checked before. Undefined only says that
   * it is no such request: nothing has been done, and `canActivate` decides.
   *
   * @returns true, or why the request is refused, with the challenge set on `res`
   */
  decide(req: IncomingMessage, res: ServerResponse): true | HttpException | undefined {
    const resource = this.verifier.resources.at(requestPath(req));
    if (resource === undefined || hasTokenInQuery(req)) return undefined;
    try {
      const principal = this.verifier.recall(bearerToken(req), { scope: resource.scope, resource: resource.uri });
      if (principal === undefined) return undefined;
      this.#hold(req, resource, principal);
      return true;
    } catch (error) {
      if (error instanceof TokenError) return this.#refused(error, res, resource);
      throw error;
    }
  }

  #hold(req: object, resource: Resource, principal: Principal): void {
    (req as Held)[KEY] = new Authenticated(principal, this.verifier.resources.issuer, resource);
  }

  #resource(req: IncomingMessage): Resource {
    const resource = this.verifier.resources.at(requestPath(req));
    if (resource === undefined) throw refusal(404, 'not_found', 'there is no such endpoint');
    if (hasTokenInQuery(req)) {
      throw refusal(400, 'invalid_request', 'send the access token in the Authorization header, never in the URL');
    }
    return resource;
  }

  async #principal(req: IncomingMessage, res: ServerResponse, resource: Resource): Promise<Principal> {
    try {
      return await this.verifier.verify(bearerToken(req), { scope: resource.scope, resource: resource.uri });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      throw this.#refused(error, res, resource);
    }
  }

  #refused(error: TokenError, res: ServerResponse, resource: Resource): HttpException {
    res.setHeader('WWW-Authenticate', challenge(this.verifier.resources.issuer, resource, error));
    if (error.code === 'insufficient_scope') return refusal(403, 'insufficient_scope', error.message);
    return refusal(401, error.code === 'missing' ? 'unauthorized' : 'invalid_token', error.message);
  }
}

function refusal(status: number, error: string, description: string): HttpException {
  return new HttpException({ error, error_description: description }, status);
}
