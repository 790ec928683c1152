import type { IncomingMessage } from 'node:http';
import type { BearerGuard } from './auth/bearer.guard.js';
import type { FrontResponse } from './front-response.js';
import type { HostRule } from './host-rule.js';
import { cors } from './mcp/cors.js';
import type { McpController } from './mcp/mcp.controller.js';
import type { Refusals } from './refusals.js';

export interface CallRouteParts {
  readonly hosts: HostRule;
  readonly guard: BearerGuard;
  readonly controller: McpController;
  readonly refusals: Refusals;
  /** See securityHeaders. */
  readonly headers: ReadonlyMap<string, string>;
}

const MCP_PATH = /^\/mcp(?:[/?]|$)/;

/**
 * The short way of a POST to an MCP endpoint to its controller, with the same checks by the same functions as the way
 * through Express and Nest, which costs more than the call; and the short way back of a request without a token, which
 * anybody can send any number of. Everything else goes that way, to be decided there.
 */
export class CallRoute {
  /** Names and values in turn. */
  readonly #headers: readonly string[];

  constructor(private readonly parts: CallRouteParts) {
    this.#headers = [...parts.headers].flat();
  }

  /** False: not for this way; what may have been set on either is set again there. */
  take(req: IncomingMessage, res: FrontResponse): boolean {
    const { hosts, guard, controller, refusals } = this.parts;
    // A preflight has no token and gets its answer.
    if (!MCP_PATH.test(req.url ?? '') || req.method === 'OPTIONS' || hosts.problem(req) !== undefined) return false;
    const decided = guard.decide(req, res);
    // An encoding that Node does not know is a 400, of which it only tells when this has returned.
    const short = decided === true ? req.method === 'POST' : req.headers['transfer-encoding'] === undefined;
    if (decided === undefined || !short) return false;
    res.fix(this.#headers);
    cors(req, res, () => {
      if (decided === true) {
        controller.post(req, res);
        return;
      }
      refusals.add(req, res);
      const body = JSON.stringify(decided.getResponse());
      const length = Buffer.byteLength(body);
      const type = 'application/json; charset=utf-8';
      res.writeHead(decided.getStatus(), { 'Content-Type': type, 'Content-Length': length }).end(body);
    });
    return true;
  }
}
