import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BearerGuard } from './auth/bearer.guard.js';
import type { HostRule } from './host-rule.js';
import { cors } from './mcp/cors.js';
import type { McpController } from './mcp/mcp.controller.js';

export interface CallRouteParts {
  readonly hosts: HostRule;
  readonly guard: BearerGuard;
  readonly controller: McpController;
  /** See securityHeaders. */
  readonly headers: ReadonlyMap<string, string>;
}

const MCP_PATH = /^\/mcp(?:[/?]|$)/;

/**
 * The short way of a POST to an MCP endpoint to its controller, with the same checks by the same functions as the way
 * through Express and Nest, which costs more than the call. Whatever a check does not pass goes that way, to be refused
 * there.
 */
export class CallRoute {
  constructor(private readonly parts: CallRouteParts) {}

  /** False: not for this way, and untouched. */
  take(req: IncomingMessage, res: ServerResponse): boolean {
    const { hosts, guard, controller, headers } = this.parts;
    if (req.method !== 'POST' || !MCP_PATH.test(req.url ?? '')) return false;
    if (hosts.problem(req) !== undefined || !guard.passes(req)) return false;
    for (const [name, value] of headers) res.setHeader(name, value);
    cors(req, res, () => controller.post(req, res));
    return true;
  }
}
