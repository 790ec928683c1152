import type { CallClient } from '../../protocol/call-messages.js';
import type { Endpoint } from './endpoint.js';
import { ErrorCode, isShape, type Shape } from './json-rpc.js';
import type { Refusal } from './modern/modern-error.js';

/** MCP Apps. */
export const UI = 'io.modelcontextprotocol/ui';
/** Tasks of the stateless revision: nothing of it is for a client that does not declare it. */
export const TASKS = 'io.modelcontextprotocol/tasks';

const TASK_METHODS = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

export function declaresTasks({ capabilities }: Pick<CallClient, 'capabilities'>): boolean {
  return isShape(capabilities.extensions) && isShape(capabilities.extensions[TASKS]);
}

/** @returns why this client may not send the method; undefined: it may */
export function tasksRefusal(client: CallClient, method: string): Refusal | undefined {
  if (!TASK_METHODS.has(method) || declaresTasks(client)) return undefined;
  return {
    code: ErrorCode.missingCapability,
    message: `${method} needs the client capability extensions["${TASKS}"]`,
    data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
  };
}

/** A client's capabilities; where several servers share an endpoint, of extensions only those whose names are mapped there. */
export function carriedExtensions(capabilities: Shape, endpoint: Endpoint): Shape {
  const { extensions } = capabilities;
  if (endpoint.kind === 'server' || !isShape(extensions)) return capabilities;
  const known = Object.entries(extensions).filter(([name]) => name === UI || name === TASKS);
  return { ...capabilities, extensions: Object.fromEntries(known) };
}
