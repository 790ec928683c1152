import { connect, type Socket } from 'node:net';
import type { AgentConfig } from '../../config/config.js';
import type { AgentSnapshot } from '../agent-types.js';
import type { ServerState } from '../servers/types.js';
import { controlAddress } from './control-address.js';
import {
  CONTROL_PROTOCOL,
  ControlError,
  type ControlReply,
  type ControlRequest,
  decodeReply,
  type HolderInfo,
  isHolderInfo,
  isServerStates,
  isSnapshot,
  type PeerRole,
  readLines,
} from './control-protocol.js';

const ANSWER_MS = 5_000;

type Request = ControlRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** One connection to whoever runs the agent of this profile. */
export class ControlClient {
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: ControlReply | undefined) => void>();
  #lastId = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    readLines(
      socket,
      (line) => this.#onLine(line),
      () => socket.destroy(),
    );
    this.closed = new Promise((resolve) => {
      socket.on('error', () => {});
      socket.once('close', () => {
        for (const settle of this.#waiting.values()) settle(undefined);
        resolve();
      });
    });
  }

  /** @throws ControlError */
  async hello(role: PeerRole): Promise<HolderInfo> {
    const result = await this.#request({ op: 'hello', role, protocol: CONTROL_PROTOCOL }, ANSWER_MS);
    if (!isHolderInfo(result)) throw garbled();
    return result;
  }

  /** @throws ControlError `starting` until the agent is there */
  async status(): Promise<AgentSnapshot> {
    const result = await this.#request({ op: 'status' }, ANSWER_MS);
    if (!isSnapshot(result)) throw garbled();
    return result;
  }

  /** Resolves once the servers are back or have failed, however long that takes. @throws ControlError */
  async restart(server?: string): Promise<readonly ServerState[]> {
    const result = await this.#request({ op: 'restart', ...(server === undefined ? {} : { server }) });
    if (!isServerStates(result)) throw garbled();
    return result;
  }

  /** Tells a daemon to end; it has ended when `closed` resolves. @throws ControlError `refused` by a foreground agent */
  async stop(): Promise<void> {
    await this.#request({ op: 'stop' }, ANSWER_MS);
  }

  close(): void {
    this.#socket.destroy();
  }

  #onLine(line: string): void {
    const reply = decodeReply(line);
    if (reply !== undefined) this.#waiting.get(reply.id)?.(reply);
  }

  async #request(request: Request, timeoutMs?: number): Promise<unknown> {
    const id = ++this.#lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<ControlReply | undefined>((resolve, reject) => {
        if (this.#socket.destroyed) return resolve(undefined);
        this.#waiting.set(id, resolve);
        if (timeoutMs !== undefined) {
          timer = setTimeout(() => reject(new ControlError('no_answer', 'The agent does not answer.')), timeoutMs);
        }
        this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
      });
      if (reply === undefined) throw new ControlError('gone', 'The agent has ended.');
      if ('error' in reply) throw new ControlError(reply.error.code, reply.error.message);
      return reply.result;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}

/** @returns undefined when nobody runs the agent of this profile. @throws PrivatePathError, or what connecting failed with */
export async function connectControl(config: AgentConfig): Promise<ControlClient | undefined> {
  const address = await controlAddress(config);
  if (address === undefined) return undefined;
  const socket = connect(address);
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      // ENOTSOCK: an ordinary file in its place, left by a copied folder; the next holder removes it.
      if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'].includes(error.code ?? '')) resolve(undefined);
      else reject(error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(new ControlClient(socket));
    });
  });
}

function garbled(): ControlError {
  return new ControlError('failed', 'The agent answers in a way this version does not understand.');
}
