import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import {
  CALL_WINDOW_BYTES,
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  type FrameTypeCode,
  HEADER_BYTES,
  MAX_BODY_BYTES,
  NO_ID,
  RELAY_FRAMES,
  SUBPROTOCOL,
} from '../../src/protocol/frames.js';
import { type Catalog, decodeWelcome, decodeWindow, type Hello, type Welcome } from '../../src/protocol/messages.js';
import type { Rig, TokenOptions } from './relay-rig.js';

export interface DialOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: string;
  readonly path?: string;
}

/** One WebSocket to the relay, driven by hand: the test is the agent. */
export class FakeAgent {
  /** Frames nobody has taken yet, pongs apart. */
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.frames.push(decodeFrame(data, RELAY_FRAMES));
      this.#wake();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#over = true;
        this.#wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** The next frame of this type (and id), whenever it comes; others stay where they are. */
  async next(type: FrameTypeCode, id?: string): Promise<Frame> {
    for (;;) {
      const index = this.frames.findIndex((frame) => frame.type === type && (id === undefined || frame.id === id));
      const [frame] = index === -1 ? [] : this.frames.splice(index, 1);
      if (frame !== undefined) return frame;
      if (this.#over) throw new Error(`the link closed before frame ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  send(type: FrameTypeCode, id: string, body: Uint8Array | string | object, more = false): void {
    const bytes =
      body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    this.socket.send(encodeFrame(type, more, id, bytes));
  }

  /** One message in as many frames as it takes. @returns its wire bytes */
  message(type: FrameTypeCode, id: string, body: Buffer): number {
    let wire = 0;
    for (let at = 0; at === 0 || at < body.length; at += MAX_BODY_BYTES) {
      const piece = body.subarray(at, at + MAX_BODY_BYTES);
      this.send(type, id, piece, at + MAX_BODY_BYTES < body.length);
      wire += piece.length + HEADER_BYTES;
    }
    return wire;
  }

  /** One message of a call that has had no other, never more of it than the relay has granted. */
  async onCredit(type: FrameTypeCode, id: string, body: Buffer): Promise<void> {
    let limit = CALL_WINDOW_BYTES;
    let wire = 0;
    for (let at = 0; at < body.length; at += MAX_BODY_BYTES) {
      const piece = body.subarray(at, at + MAX_BODY_BYTES);
      while (wire + piece.length + HEADER_BYTES > limit) {
        limit = decodeWindow((await this.next(FrameType.window, id)).body);
      }
      this.send(type, id, piece, at + MAX_BODY_BYTES < body.length);
      wire += piece.length + HEADER_BYTES;
    }
  }

  async greet(hello: Partial<Hello> = {}): Promise<Welcome> {
    this.send(FrameType.hello, NO_ID, { ...HELLO, ...hello });
    return decodeWelcome((await this.next(FrameType.welcome)).body);
  }

  catalog(server: string, tools: readonly string[], change: Partial<Catalog> = {}): void {
    const offer = {
      protocolVersion: '2025-11-25',
      serverInfo: { name: server, version: '1' },
      capabilities: { tools: {} },
      tools: tools.map((name) => ({ name, inputSchema: { type: 'object' }, 'x-kept': true })),
    };
    const catalog = { seq: seq++, server, status: 'ready', offer, ...change };
    this.message(FrameType.catalog, randomBytes(16).toString('hex'), Buffer.from(JSON.stringify(catalog)));
  }

  /** Resolves when the relay has read all that was sent before. */
  async settled(): Promise<void> {
    this.socket.ping();
    await once(this.socket, 'pong');
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

let seq = 1;

export const HELLO: Hello = {
  versions: [1],
  instance: 'instance-1',
  machine: 'machine-1',
  name: 'laptop',
  app: { version: '1.0.0', platform: 'linux' },
  calls: [],
  servers: [{ name: 'shell', status: 'starting' }],
};

/** Opens a link. Rejects with Refused when the relay does not upgrade. */
export async function dial(rig: Rig, token: string | undefined, options: DialOptions = {}): Promise<FakeAgent> {
  const { headers = {}, protocol = SUBPROTOCOL, path = '/ws' } = options;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(rig.origin.replace('http', 'ws') + path, protocol === '' ? [] : protocol, {
    headers: { ...authorization, ...headers },
    maxPayload: 1024 * 1024,
  });
  const agent = new FakeAgent(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => void refused(response).then(reject));
  });
  return agent;
}

/** A link of this user's agent that has been welcomed. */
export async function connect(rig: Rig, user: string, hello: Partial<Hello> = {}, token?: TokenOptions) {
  const agent = await dial(rig, await rig.token(user, token));
  const welcome = await agent.greet(hello);
  return { agent, welcome };
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly headers: IncomingMessage['headers'],
    readonly body: string,
  ) {
    super(`refused with ${status}`);
  }
}

async function refused(response: IncomingMessage): Promise<Refused> {
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return new Refused(response.statusCode ?? 0, response.headers, body);
}
