import type { Logger } from '../../log/logger.js';
import type { CallHead } from '../../protocol/call-messages.js';
import type { JsonRpcError, LocalServers, RequestOutcome } from '../servers/types.js';
import { ServerError } from '../servers/types.js';
import { outcome as outcomeOf, requestName, toolError } from './answers.js';
import { levelAtLeast } from './log-levels.js';
import type { CallAnswer, CallOutput, RunCall } from './running-calls.js';
import { shapeResult } from './shape.js';

export interface CallRunnerOptions {
  readonly servers: LocalServers;
  readonly logger: Logger;
  /** Largest result the relay takes, in bytes; as its last welcome said. */
  resultBytes(): number;
}

/** How a client reaches the agent itself (CallHead.server is ''). */
const RESTART = 'agent/restart';

/** Executes calls on this agent's local servers and shapes what comes back for the client that asked. */
export function callRunner(options: CallRunnerOptions): RunCall {
  return async (head, params, output) => {
    const began = performance.now();
    const answer =
      head.server === ''
        ? await ownCall(options, head, params, output)
        : await serverCall(options, head, params, output);
    const fitting = withinLimit(answer, head, options.resultBytes());
    report(options.logger, head, params, fitting, performance.now() - began);
    return fitting;
  };
}

async function serverCall(
  options: CallRunnerOptions,
  head: CallHead,
  params: Buffer,
  output: CallOutput,
): Promise<CallAnswer> {
  const { progressToken, logLevel } = head;
  let outcome: RequestOutcome;
  try {
    outcome = await options.servers.request(head.server, head.method, params, {
      signal: output.signal,
      ...(progressToken === undefined
        ? {}
        : { onProgress: (progress) => output.event(notification('progress', { ...progress, progressToken }), true) }),
      ...(logLevel === undefined
        ? {}
        : {
            onLog: (log) => {
              if (levelAtLeast(log.level, logLevel)) output.event(notification('message', log), false);
            },
          }),
    });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return failure(head, error);
  }
  if (outcome.kind === 'error') return errorAnswer(outcome.error);
  return { kind: 'result', json: shapeResult(head, outcome.json) };
}

async function ownCall(
  options: CallRunnerOptions,
  head: CallHead,
  params: Buffer,
  output: CallOutput,
): Promise<CallAnswer> {
  if (head.method !== RESTART) return errorAnswer({ code: -32601, message: `Method not found: ${head.method}` });
  const server = restartTarget(params);
  try {
    const states = await options.servers.restart(server, output.signal);
    // `problem` holds the server's own stderr: for this machine's owner, not for a remote client.
    const servers = states.map(({ name, status, tools, reason }) => ({ name, status, tools, reason }));
    return { kind: 'result', json: Buffer.from(JSON.stringify({ servers })) };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return errorAnswer({ code: -32602, message: error.message });
  }
}

function restartTarget(params: Buffer): string | undefined {
  const value: unknown = params.length === 0 ? {} : JSON.parse(params.toString('utf8'));
  if (typeof value !== 'object' || value === null || !('server' in value)) return undefined;
  return typeof value.server === 'string' ? value.server : undefined;
}

function notification(kind: 'progress' | 'message', params: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: `notifications/${kind}`, params }));
}

/** A tool's failure is a result the model can act on (MCP server/tools, "Error handling"); anything else is an error. */
function failure(head: CallHead, error: ServerError): CallAnswer {
  const message = `${error.message} (${error.dispatched ? 'outcome unknown: it may have run' : 'not dispatched: safe to retry'})`;
  if (head.method === 'tools/call') return toolError(message);
  return errorAnswer({ code: -32603, message });
}

function errorAnswer(error: JsonRpcError): CallAnswer {
  return { kind: 'error', json: Buffer.from(JSON.stringify(error)) };
}

function withinLimit(answer: CallAnswer, head: CallHead, limit: number): CallAnswer {
  if (answer.json.length <= limit) return answer;
  const size = `${Math.ceil(answer.json.length / 1024 / 1024)} MiB`;
  const message = `the result is too large: ${size}, and the relay takes ${Math.floor(limit / 1024 / 1024)} MiB (limits.resultBytes). The call has run; ask for less`;
  return head.method === 'tools/call' ? toolError(message) : errorAnswer({ code: -32603, message });
}

/** One line a call: which, how long, how it ended; never its arguments or its result. */
function report(logger: Logger, head: CallHead, params: Buffer, answer: CallAnswer, ms: number): void {
  const what = head.server === '' ? head.method : `${head.server} ${requestName(head.method, params)}`;
  logger.info(`${what}: ${outcomeOf(answer)}`, { ms: Math.round(ms), bytes: answer.json.length });
}
