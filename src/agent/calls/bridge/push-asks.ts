import type { CallHead } from '../../../protocol/call-messages.js';
import type { Clock } from '../../servers/clock.js';
import type { AskPolicy, AskReply, ServerAsk } from '../../servers/types.js';
import type { CallOutput } from '../wire/running-call.js';
import { noReply, ownReply, reply, replyFor } from './asks.js';
import { beating } from './heartbeat.js';
import { translateAsk } from './translate-ask.js';

/**
 * For RequestContext.onAsk where the client is asked while its call runs: the question goes through, and its reply back.
 * @param revision of the server
 */
export function pushAsks(
  head: CallHead,
  output: CallOutput,
  policy: AskPolicy,
  clock: Clock,
  revision: string | undefined,
): (ask: ServerAsk) => Promise<AskReply> {
  return async (ask) => {
    const { method, signal } = ask;
    const own = ownReply(method, ask.params, head.client, policy);
    if (own !== undefined) return own;
    const params = translateAsk(method, ask.params, head);
    if (params === undefined) return reply({ action: 'cancel' });
    try {
      return replyFor(method, await beating(ask, clock, output.ask(method, params, signal)), revision);
    } catch {
      // Taken back, or the call is over: nobody reads this.
      return noReply(method);
    }
  };
}
