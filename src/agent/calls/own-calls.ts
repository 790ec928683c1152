import type { CallHead } from '../../protocol/call-messages.js';
import type { CallSignal } from '../servers/call-signal.js';
import type { LocalServers } from '../servers/types.js';
import { ServerError } from '../servers/types.js';
import { errorAnswer, resultAnswer } from './answers.js';
import type { ParkedCalls } from './bridge/parked-calls.js';
import type { ResultFit } from './fit/result-fit.js';
import { member } from './json-edit.js';
import type { CallAnswer, CallOutput } from './wire/running-call.js';

/** How the relay reaches the agent itself (CallHead.server is ''). */
const RESTART = 'agent/restart';
const END_SESSION = 'agent/end-session';
const READ_MORE = 'agent/read-more';

export interface OwnCallOptions {
  readonly servers: LocalServers;
  readonly parked: ParkedCalls;
  readonly fit: ResultFit;
}

/** A call for the agent itself. @throws the reason of the output's signal */
export async function ownCall(
  { servers, parked, fit }: OwnCallOptions,
  head: CallHead,
  params: Buffer,
  output: CallOutput,
): Promise<CallAnswer> {
  switch (head.method) {
    case RESTART:
      return restart(servers, text(params, 'server'), output.signal);
    case END_SESSION: {
      const session = text(params, 'session');
      if (session === undefined) return errorAnswer({ code: -32602, message: 'session must be a string' });
      parked.endSession(session);
      servers.endSession(session);
      return resultAnswer({});
    }
    case READ_MORE:
      return { kind: 'result', json: fit.readMore(head, params) };
    default:
      return errorAnswer({ code: -32601, message: `Method not found: ${head.method}` });
  }
}

async function restart(servers: LocalServers, server: string | undefined, signal: CallSignal): Promise<CallAnswer> {
  try {
    const states = await servers.restart(server, signal);
    // `problem` holds the server's own stderr: for this machine's owner, not for a remote client.
    return resultAnswer({
      servers: states.map(({ name, status, tools, reason }) => ({ name, status, tools, reason })),
    });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return errorAnswer({ code: -32602, message: error.message });
  }
}

function text(params: Buffer, name: string): string | undefined {
  const value = member(params, name);
  return typeof value === 'string' ? value : undefined;
}
