import type { CallFailure } from './types.js';

/** What a client's model and user read when a call fails; each says what happened, whether it may have run, and what to do. */

/** `14:02 UTC`, with the date when it was not today. */
function clockTime(at: number, now = Date.now()): string {
  const time = new Date(at).toISOString();
  const clock = `${time.slice(11, 16)} UTC`;
  return time.slice(0, 10) === new Date(now).toISOString().slice(0, 10) ? clock : `${time.slice(0, 10)} ${clock}`;
}

const NOT_RUN = 'The call was not run.';
const UNKNOWN = 'The call may or may not have run: check its effect before calling again.';

function outcome(dispatched: boolean): string {
  return dispatched ? UNKNOWN : `${NOT_RUN} Call again.`;
}

export function offline(device: string, since: number): CallFailure {
  return {
    code: 'offline',
    dispatched: false,
    message: `${device} is offline since ${clockTime(since)}. ${NOT_RUN} Wake ${device} or start its agent (mcp-local-tunnel agent), then call again.`,
  };
}

export function unknownDevice(): CallFailure {
  return {
    code: 'unknown_device',
    dispatched: false,
    message: `This device is not known here any more. ${NOT_RUN} List the tools again, or use the status tool to see your devices.`,
  };
}

export function busy(device: string, limit: number, whose: 'device' | 'client'): CallFailure {
  const what = whose === 'device' ? `${device} is busy with ${limit} calls` : `This client has ${limit} calls running`;
  return {
    code: 'busy',
    dispatched: false,
    message: `${what}, which is the limit. ${NOT_RUN} Wait for one of them to end, then call again.`,
  };
}

export function tooManyListens(device: string, limit: number, whose: 'device' | 'client'): CallFailure {
  const who = whose === 'device' ? `${device} is listened to` : 'This client listens to servers';
  return {
    code: 'busy',
    dispatched: false,
    message: `${who} ${limit} times, which is the limit. Unsubscribe from something, or close a stream.`,
  };
}

export function timeout(device: string, seconds: number, dispatched: boolean, total: boolean): CallFailure {
  const how = total ? `took longer than ${seconds} s` : `made no progress for ${seconds} s`;
  return {
    code: 'timeout',
    dispatched,
    message: `The call ${how} on ${device} and was cancelled. ${outcome(dispatched)}`,
  };
}

export type LostReason = 'disconnected' | 'goodbye' | 'replaced';

export function lost(device: string, at: number, dispatched: boolean, reason: LostReason): CallFailure {
  const how = {
    disconnected: `The connection to ${device} was lost at ${clockTime(at)} and did not come back in time.`,
    goodbye: `The agent on ${device} was stopped at ${clockTime(at)}.`,
    replaced: `The agent on ${device} was restarted at ${clockTime(at)}.`,
  }[reason];
  return { code: 'lost', dispatched, message: `${how} ${outcome(dispatched)}` };
}

export function tooLarge(device: string, limit: number): CallFailure {
  return {
    code: 'too_large',
    dispatched: true,
    message: `The result from ${device} is larger than ${limit} bytes, the relay's limit (limits.resultBytes). The call has run. Ask for less at a time.`,
  };
}

export function tooLargeHead(limit: number): CallFailure {
  return {
    code: 'too_large',
    dispatched: false,
    message: `What the request says of its client (capabilities, clientInfo, progressToken) is larger than ${limit} bytes, the relay's limit. ${NOT_RUN} Send less of it.`,
  };
}

export function draining(dispatched: boolean): CallFailure {
  return { code: 'draining', dispatched, message: `The relay is restarting. ${outcome(dispatched)}` };
}

export function protocol(device: string, what: string): CallFailure {
  return {
    code: 'protocol',
    dispatched: true,
    message: `The agent on ${device} sent an answer the relay cannot use (${what}). ${UNKNOWN} Update the agent on ${device} if this goes on.`,
  };
}
