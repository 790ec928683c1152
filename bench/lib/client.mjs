import { HttpConnection } from './http-connection.mjs';
import { LargeResult } from './large-result.mjs';

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const PREFIX = 'io.modelcontextprotocol/';
const INFO = { name: 'bench', version: '1' };

/** Node's servers close idle connections after five seconds. */
const KEPT_MS = 3000;

/** An MCP client on raw HTTP. Every method throws unless the answer is right. */
export class Client {
  #url;
  #free = [];
  #all = new Set();
  #lines;
  #session = '';
  #id = 0;

  /** @param system what an adapter's `start` gave @param revision 2025-11-25 (with a session) or 2026-07-28 */
  constructor({ url, token, tool }, revision = LEGACY) {
    this.#url = new URL(url);
    this.tool = tool;
    this.modern = revision === MODERN;
    const lines = [
      `POST ${this.#url.pathname} HTTP/1.1`,
      `Host: ${this.#url.host}`,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      `MCP-Protocol-Version: ${revision}`,
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ];
    this.#lines = `${lines.join('\r\n')}\r\n`;
  }

  /** Begins a session where the revision has them. */
  async open() {
    if (this.modern) return;
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: INFO };
    const { headers } = await this.#send({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const session = /\r\nmcp-session-id: *([^\r]+)/i.exec(headers)?.[1];
    if (session !== undefined) this.#session = `Mcp-Session-Id: ${session}\r\n`;
    await this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** A short text there and back; every call has its own. @returns milliseconds */
  async echo(tool = this.tool) {
    const text = `${'echo of a short text, as most calls are. '.repeat(2)}${this.#id}`;
    return this.#text(tool, { text }, text);
  }

  /** An answer that takes a while. @returns milliseconds */
  async slow(ms) {
    return this.#text(this.tool, { text: 'late', ms }, 'late');
  }

  /** A result of this many letters. @returns milliseconds */
  async large(bytes) {
    const result = new LargeResult(bytes);
    const { id, took } = await this.#call(this.tool, { bytes }, (part) => result.take(part));
    if (!result.right || textOf(answerOf(result.around, id)) !== '') throw wrong(result.around);
    return took;
  }

  /** @param count how many tools there must be, or more; `tool` among them @returns what `listAgain` takes */
  async list(count) {
    const { id, body } = await this.#request('tools/list', {});
    const tools = answerOf(body, id).result?.tools;
    if (!Array.isArray(tools) || tools.length < count) throw wrong(body);
    if (!tools.some(({ name }) => name === this.tool)) throw wrong(body);
    return { id, body };
  }

  /** Every byte as in the list that was read as JSON, but for the id. @param first what `list` gave */
  async listAgain(first) {
    const { id, body } = await this.#request('tools/list', {});
    const [before, now] = [`"id":${first.id},`, `"id":${id},`];
    const [from, at] = [first.body.indexOf(before), body.indexOf(now)];
    if (from === -1 || at !== from || !body.subarray(0, at).equals(first.body.subarray(0, from))) throw wrong(body);
    if (!body.subarray(at + now.length).equals(first.body.subarray(from + before.length))) throw wrong(body);
  }

  /** The names of all tools, as they are now. */
  async names() {
    const { id, body } = await this.#request('tools/list', {});
    return answerOf(body, id).result.tools.map(({ name }) => name);
  }

  /** These bytes, from a server that only writes. */
  async bytes(expected) {
    const { body } = await this.#request('tools/list', {});
    if (!body.equals(expected)) throw wrong(body);
  }

  /** Asks for a large result and never reads it. */
  stall(bytes) {
    const connection = this.#connect();
    connection.sendAndStall(
      this.#requestText({ jsonrpc: '2.0', ...this.#message('tools/call', this.#named(this.tool, { bytes })) }),
    );
  }

  close() {
    for (const connection of this.#all) connection.destroy();
    this.#all.clear();
    this.#free = [];
  }

  async #text(tool, args, expected) {
    const { id, took, body } = await this.#call(tool, args);
    if (textOf(answerOf(body, id)) !== expected) throw wrong(body);
    return took;
  }

  #call(name, args, take) {
    return this.#request('tools/call', this.#named(name, args), take);
  }

  #named(name, args) {
    return { name, arguments: args };
  }

  async #request(method, params, take) {
    const message = this.#message(method, params);
    const began = performance.now();
    const { body } = await this.#send({ jsonrpc: '2.0', ...message }, take);
    return { id: message.id, took: performance.now() - began, body };
  }

  #message(method, params) {
    this.#id += 1;
    if (!this.modern) return { id: this.#id, method, params };
    const _meta = {
      [`${PREFIX}protocolVersion`]: MODERN,
      [`${PREFIX}clientInfo`]: INFO,
      [`${PREFIX}clientCapabilities`]: {},
    };
    return { id: this.#id, method, params: { ...params, _meta } };
  }

  async #send(message, take) {
    const connection = this.#idle() ?? this.#connect();
    try {
      const answer = await connection.request(this.#requestText(message), take);
      if (answer.status >= 300) throw new Error(`status ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
      return answer;
    } finally {
      if (connection.open) this.#free.push({ connection, since: performance.now() });
      else this.#all.delete(connection);
    }
  }

  /** The connection last used, unless the server may be about to close it. */
  #idle() {
    const last = this.#free.pop();
    if (last === undefined) return undefined;
    const { connection, since } = last;
    if (connection.open && performance.now() - since < KEPT_MS) return connection;
    connection.destroy();
    this.#all.delete(connection);
    return this.#idle();
  }

  #connect() {
    const connection = new HttpConnection(this.#url);
    this.#all.add(connection);
    return connection;
  }

  /** The whole HTTP request. */
  #requestText(message) {
    const body = JSON.stringify(message);
    const name = message.params?.name;
    const mirrored = this.modern
      ? `Mcp-Method: ${message.method}\r\n${name === undefined ? '' : `Mcp-Name: ${name}\r\n`}`
      : this.#session;
    return `${this.#lines}${mirrored}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }
}

/** The JSON-RPC answer in a body: plain JSON, or the event of a stream that has it. */
function answerOf(body, id) {
  const text = body.toString();
  const json = text.startsWith('{') ? text : text.slice(text.lastIndexOf('data: {') + 'data: '.length);
  const answer = JSON.parse(json);
  if (answer.id !== id || answer.error !== undefined) throw wrong(body);
  return answer;
}

function textOf(answer) {
  return answer.result?.content?.[0]?.text;
}

function wrong(body) {
  return new Error(`wrong answer: ${body.subarray(0, 300).toString()}`);
}
