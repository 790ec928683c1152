import type { CallClient } from '../../../protocol/call-messages.js';
import type { ServerSession } from '../server-session.js';

/** What outlives the sessions of one server wants to hear of each. */
export interface SessionWatch {
  /** A session has become ready. */
  ready(session: ServerSession, capabilities: Readonly<Record<string, unknown>>): void;
  /** It is over, or never became ready; another may come. */
  ended(): void;
  /** A notification that belongs to no request, changes of lists among them. */
  onNotification(method: string, params: Readonly<Record<string, unknown>>): void;
  /** This client was told to open a URL (MCP 2025-11-25 client/elicitation): the server's word that this is done is for it alone. */
  onUrlElicitation(elicitationId: string, client: CallClient): void;
}
