import { scopeChallenge } from '../../auth/bearer.guard.js';
import { MANAGE_SCOPE } from '../../auth/resources.js';
import { type Exchange, refuse } from '../exchange.js';
import { ErrorCode, type RpcRequest } from '../json-rpc.js';

/** For whoever reads it in a client that does not ask for more by itself. */
export const MAY_NOT_MANAGE =
  'This login may not restart servers, and nothing was restarted: its token lacks the scope mcp:manage. Disconnect this relay in your client, connect it again, and on the page where you allow it tick "Also let it restart my servers".';

/** Whether the token of a request allows the tool `restart`. */
export function mayManage(scopes: ReadonlySet<string>): boolean {
  return scopes.has(MANAGE_SCOPE);
}

/** True for a call whose token opens this endpoint but does not allow what the call is for. */
export function needsMore({ principal, endpoint }: Exchange, { method, params }: RpcRequest): boolean {
  if (endpoint.kind === 'server' || method !== 'tools/call' || params?.name !== 'restart') return false;
  return !mayManage(principal.scopes);
}

/** 403 that names what the client has to ask for (26 authorization, "Step-Up Authorization Flow"). */
export function refuseWithoutScope({ req, res }: Exchange, { id }: RpcRequest): void {
  if (res.destroyed || res.headersSent) return;
  res.setHeader('WWW-Authenticate', scopeChallenge(req, MANAGE_SCOPE, 'the tool restart needs the scope mcp:manage'));
  refuse(res, 403, { code: ErrorCode.invalidRequest, message: MAY_NOT_MANAGE, id });
}
