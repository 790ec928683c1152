import { Agent, request } from 'node:http';

/** One MCP session on raw HTTP, so that what is measured is the server and not a client library. */
export class Load {
  #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  #headers;
  #id = 0;

  constructor(url, token) {
    this.url = url;
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async open() {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
    const { headers } = await this.#post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    this.#headers['mcp-session-id'] = headers['mcp-session-id'];
    this.#headers['mcp-protocol-version'] = '2025-11-25';
    await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** One echo; counts only when the answer is right. @returns milliseconds */
  async echo(name, args, expected) {
    this.#id += 1;
    const id = this.#id;
    const began = performance.now();
    const { body } = await this.#post({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    });
    const took = performance.now() - began;
    const json = body.startsWith('{') ? body : /^data: (\{.*)$/m.exec(body)?.[1];
    const answer = JSON.parse(json ?? 'null');
    if (answer?.id !== id || answer.result?.content?.[0]?.text?.length !== expected) {
      throw new Error(`wrong answer: ${body.slice(0, 200)}`);
    }
    return took;
  }

  close() {
    this.#agent.destroy();
  }

  #post(message) {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify(message);
      const headers = { ...this.#headers, 'content-length': Buffer.byteLength(text) };
      const req = request(this.url, { method: 'POST', agent: this.#agent, headers }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          if (res.statusCode >= 300) reject(new Error(`status ${res.statusCode}: ${body.slice(0, 300)}`));
          else resolve({ headers: res.headers, body });
        });
      });
      req.on('error', reject);
      req.end(text);
    });
  }
}

/** Keeps `concurrency` calls going until `count` have been answered. @returns calls a second and the sorted times */
export async function drive(call, concurrency, count) {
  const times = [];
  let left = count;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left > 0) {
        left -= 1;
        times.push(await call());
      }
    }),
  );
  return { perSecond: (count / (performance.now() - began)) * 1000, times: times.sort((a, b) => a - b) };
}
