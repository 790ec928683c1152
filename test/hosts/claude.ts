import { createInterface } from 'node:readline';
import { hosts } from './hosts.js';
import type { Place } from './place.js';
import type { Running } from './running.js';

interface McpServerStatus {
  readonly name: string;
  readonly status: string;
  readonly tools?: readonly { readonly name: string }[];
}

type Answer =
  | { readonly request_id: string; readonly subtype: 'success'; readonly response: unknown }
  | { readonly request_id: string; readonly subtype: 'error'; readonly error: string };

/** Claude Code as an editor runs it: no terminal, steered by requests on standard input, and no model is asked anything. */
export class ClaudeSession {
  readonly running: Running;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #requests = 0;

  constructor(place: Place, project: string) {
    const streams = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
    this.running = place.start(project, hosts.claude, ['-p', ...streams]);
    createInterface({ input: this.running.child.stdout }).on('line', (line) => {
      const { type, response } = JSON.parse(line);
      if (type === 'control_response') this.#waiting.get(response.request_id)?.(response);
    });
  }

  async servers(): Promise<readonly McpServerStatus[]> {
    const { mcpServers } = (await this.#request({ subtype: 'mcp_status' })) as { mcpServers: McpServerStatus[] };
    return mcpServers;
  }

  async status(server: string): Promise<string | undefined> {
    return (await this.servers()).find(({ name }) => name === server)?.status;
  }

  /** Calls a tool the way the model's calls go. */
  call(server: string, tool: string, args: object): Promise<unknown> {
    return this.#request({ subtype: 'mcp_call', tool: `mcp__${server}__${tool}`, arguments: args });
  }

  /** Leaves in order, as at the end of a session. */
  async leave(): Promise<void> {
    this.running.child.stdin.end();
    await this.running.ended;
  }

  async #request(request: object): Promise<unknown> {
    this.#requests += 1;
    const request_id = `request-${this.#requests}`;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(request_id, resolve));
    this.running.type(`${JSON.stringify({ type: 'control_request', request_id, request })}\n`);
    const gone = this.running.ended.then(() => {
      throw new Error(`Claude Code has gone: ${this.running.output}`);
    });
    const answer = await Promise.race([answered, gone]);
    if (answer.subtype === 'error') throw new Error(answer.error);
    return answer.response;
  }
}
