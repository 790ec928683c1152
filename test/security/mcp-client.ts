import type { Rig } from '../tunnel/relay-rig.js';

/** One MCP client of one user over real HTTP, with nothing that would mend what it sends. */
export class McpClient {
  private constructor(
    private readonly rig: Rig,
    private readonly token: string,
    readonly session: string,
  ) {}

  static async of(rig: Rig, user: string, clientId: string): Promise<McpClient> {
    const token = await rig.token(user, { scope: 'mcp', path: '/mcp', clientId });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: clientId, version: '1' } };
    const response = await new McpClient(rig, token, '').post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    return new McpClient(rig, token, response.headers.get('mcp-session-id') ?? '');
  }

  post(message: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    return this.#fetch({ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  }

  get(headers: Readonly<Record<string, string>>): Promise<Response> {
    return this.#fetch({ headers });
  }

  delete(headers: Readonly<Record<string, string>>): Promise<Response> {
    return this.#fetch({ method: 'DELETE', headers });
  }

  call(id: unknown, name: string, args: object = {}): Promise<Response> {
    return this.post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
  }

  async list(params: object = {}): Promise<{ readonly text: string; readonly names: readonly string[] }> {
    const text = await (await this.post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params })).text();
    const { result } = JSON.parse(text) as { result?: { tools: { name: string }[] } };
    return { text, names: (result?.tools ?? []).map(({ name }) => name) };
  }

  #fetch(init: Omit<RequestInit, 'headers'> & { headers: Readonly<Record<string, string>> }): Promise<Response> {
    const own = { accept: 'application/json, text/event-stream', authorization: `Bearer ${this.token}` };
    const session: Record<string, string> = this.session === '' ? {} : { 'mcp-session-id': this.session };
    return fetch(`${this.rig.origin}/mcp`, { ...init, headers: { ...own, ...session, ...init.headers } });
  }
}
