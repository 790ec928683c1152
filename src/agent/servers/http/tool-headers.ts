import { Buffer } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import { printable } from '../../../log/printable.js';
import { memberSpan } from '../../../protocol/json-spans.js';
import { isRecord } from '../messages.js';
import { headerValue, type ParamHeader, paramHeaders, paramValues } from './param-headers.js';

const MAX_PAGES = 50;
/** Twice what a list may have. */
const MAX_TOOLS = 20_000;

/** Which member of `params` a request is named by (MCP 2026-07-28 #standard-request-headers, and tasks extension "Routing Headers"). */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** The headers of requests to one HTTP server: its tools say which parameters go into them. */
export class ToolHeaders {
  readonly #byTool = new Map<string, readonly ParamHeader[]>();

  constructor(private readonly logger: Logger) {}

  /** Takes in one page of tools and leaves out those whose annotations are wrong (#schema-extension). */
  learn(result: unknown): unknown {
    if (!isRecord(result) || !Array.isArray(result.tools)) return result;
    return { ...result, tools: result.tools.filter((tool) => this.#take(tool)) };
  }

  /** Reads the tools anew. @throws what `read` throws */
  async refresh(read: (page: Readonly<Record<string, unknown>>) => Promise<unknown>): Promise<void> {
    let page: Readonly<Record<string, unknown>> = {};
    for (let count = 0; count < MAX_PAGES; count += 1) {
      const result = await read(page);
      if (!isRecord(result) || typeof result.nextCursor !== 'string') return;
      page = { cursor: result.nextCursor };
    }
  }

  /** `Mcp-Name` and `Mcp-Param-*` of one request. */
  of(method: string, params: Uint8Array): Record<string, string> {
    const key = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method] : undefined;
    const name = key === undefined ? undefined : memberOf(params, key);
    if (typeof name !== 'string') return {};
    const list = method === 'tools/call' ? this.#byTool.get(name) : undefined;
    const values = list && list.length > 0 ? paramValues(list, memberOf(params, 'arguments')) : {};
    return { 'Mcp-Name': headerValue(name), ...values };
  }

  #take(tool: unknown): boolean {
    if (!isRecord(tool) || typeof tool.name !== 'string') return true;
    try {
      const headers = paramHeaders(tool.inputSchema);
      // Those listed last come last.
      this.#byTool.delete(tool.name);
      this.#byTool.set(tool.name, headers);
      const [oldest] = this.#byTool.keys();
      if (oldest !== undefined && this.#byTool.size > MAX_TOOLS) this.#byTool.delete(oldest);
      return true;
    } catch (error) {
      this.#byTool.delete(tool.name);
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn(`left out tool "${printable(tool.name.slice(0, 64))}": ${reason}`);
      return false;
    }
  }
}

function memberOf(params: Uint8Array, key: string): unknown {
  const span = memberSpan(params, 0, params.length, key);
  return span && JSON.parse(Buffer.from(params.subarray(...span)).toString('utf8'));
}
