import { Buffer } from 'node:buffer';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import spawn from 'cross-spawn';
import type { ServerReason } from '../../../protocol/server-state.js';
import { idOfCutResponse } from '../messages.js';
import { Rooms } from '../rooms.js';
import type { ServerMemory } from '../server-memory.js';
import type { Outgoing, Transport, TransportEvents } from '../transport.js';
import { ServerError, StartError } from '../types.js';
import { LineReader } from './line-reader.js';
import { PacedReading } from './paced-reading.js';
import { endProcessGroup } from './process-group.js';
import { StderrTail } from './stderr-tail.js';

/** A server that has ended may still have answers in the pipe; a grandchild that holds the pipe may not delay the end. */
const DRAIN_MS = 250;
const LINE_FEED = Buffer.from('\n');
/** A shorter message is copied once more, which costs less than a second write to the stream. */
const JOINED_BYTES = 4096;
/** What may wait for a server that does not read: as many calls as a device has, of the size a relay takes unless told otherwise. */
const UNREAD_BYTES = 256 * 1024 * 1024;
/** What a message costs besides its bytes while it waits. */
const MESSAGE_COST = 1024;

export interface StdioTransportOptions {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly messageBytes: number;
  readonly platform: NodeJS.Platform;
  /** What may wait until the server reads on; 256 MiB unless given. */
  readonly unreadBytes?: number;
  /** Counts what is held, here and in other lives of the server. */
  readonly memory?: ServerMemory;
}

/** A child process that speaks newline-delimited JSON-RPC on stdin and stdout (MCP 2025-11-25 basic/transports#stdio). */
export class StdioTransport implements Transport {
  readonly #stderr = new StderrTail();
  readonly #rooms = new Rooms();
  #child: ChildProcess | undefined;
  #output: PacedReading | undefined;
  /** Bytes of the line that is not whole, as counted. */
  #reading = 0;
  #ended = false;
  #drain: NodeJS.Timeout | undefined;
  /** The last message that waits for the one before to leave our memory; undefined while nothing waits. */
  #waiting: Promise<void> | undefined;
  #waitingBytes = 0;

  constructor(private readonly options: StdioTransportOptions) {}

  async start(events: TransportEvents): Promise<void> {
    const { command, cwd, env, platform } = this.options;
    const [program, ...args] = command;
    // argv as it is, never a shell. Its own group on POSIX, so that the whole group can be ended.
    const child = spawn(program, args, {
      cwd,
      env: { ...env },
      detached: platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.#child = child;
    child.stdin?.on('error', () => undefined); // told by the write that failed, and by the exit
    this.#readOutput(child, events);
    try {
      if (child.pid === undefined) await once(child, 'spawn');
    } catch (error) {
      this.#ended = true;
      throw this.#spawnError(error);
    }
  }

  /** Rejects also when too much waits already: the server does not read. */
  send(json: Buffer, outgoing: Outgoing): boolean | Promise<boolean> {
    const before = this.#waiting;
    const bytes = json.length + MESSAGE_COST;
    if (before !== undefined) {
      const limit = this.options.unreadBytes ?? UNREAD_BYTES;
      if (this.#waitingBytes + bytes > limit) return Promise.reject(unread(this.#waitingBytes));
      return this.#behind(
        before.then(() => this.#write(json, outgoing)),
        bytes,
      );
    }
    const sent = this.#write(json, outgoing);
    return typeof sent !== 'boolean' && this.#child?.stdin?.writableNeedDrain ? this.#behind(sent, bytes) : sent;
  }

  release(): void {}
  negotiated(): void {}

  pause(): void {
    this.#output?.hold();
  }

  resume(): void {
    this.#output?.release();
  }

  lastWords(): readonly string[] {
    return this.#stderr.lines();
  }

  async close(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#drain);
    this.#rooms.close();
    const child = this.#child;
    if (!child) return;
    await endProcessGroup(child, this.options.platform);
    child.stdout?.destroy();
    child.stderr?.destroy();
    this.#reads(0);
  }

  #readOutput(child: ChildProcess, events: TransportEvents): void {
    const { messageBytes } = this.options;
    const reader = new LineReader(
      messageBytes,
      {
        line: (line) => {
          if (!this.#ended && line.length > 0) events.message(line);
        },
        overlong: (head, tail, bytes) => {
          const message = `the server sent a message of ${bytes} bytes; the limit is ${messageBytes}`;
          if (!this.#ended) events.failed(idOfCutResponse(head, tail), new ServerError('too_large', message, true));
        },
      },
      this.#rooms,
    );
    const end = (problem: string) => {
      if (this.#ended) return;
      clearTimeout(this.#drain);
      reader.end();
      this.#reads(0);
      this.#ended = true;
      events.ended({ reason: 'exited', problem, sessionLost: false });
    };
    if (child.stdout)
      this.#output = new PacedReading(child.stdout, (chunk) => {
        reader.push(chunk);
        this.#reads(reader.held);
      });
    child.stdout?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    child.stderr?.on('error', () => undefined);
    child.on('error', () => undefined); // told by start(), or by the exit
    child.once('exit', (code, signal) => {
      // What is left in the pipe is little, and the last that comes.
      this.resume();
      this.#drain = setTimeout(() => end(exitReason(code, signal)), DRAIN_MS);
    });
    child.once('close', (code, signal) => end(exitReason(code, signal)));
    // Without stdout nothing can come: the same as ended, unless the exit is on its way to say more.
    child.stdout?.once('close', () => {
      if (!this.#ended) this.#drain ??= setTimeout(() => end('closed its output'), DRAIN_MS);
    });
  }

  #reads(held: number): void {
    if (held === this.#reading) return;
    this.options.memory?.reads(held - this.#reading);
    this.#reading = held;
  }

  /** What is sent from here on waits for this. */
  #behind(sent: Promise<boolean>, bytes: number): Promise<boolean> {
    this.#waitingBytes += bytes;
    this.options.memory?.unread(bytes);
    const waiting = sent
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#waitingBytes -= bytes;
        if (this.#waiting === waiting) this.#waiting = undefined;
        this.options.memory?.unread(-bytes);
      });
    this.#waiting = waiting;
    return sent;
  }

  #write(json: Buffer, outgoing: Outgoing): boolean | Promise<boolean> {
    const stdin = this.#child?.stdin;
    if (this.#ended || !stdin?.writable) return Promise.reject(new Error('the server does not take input any more'));
    if (outgoing.wanted && !outgoing.wanted()) return false;
    return writeLine(stdin, json) || drained(stdin);
  }

  #spawnError(cause: unknown): StartError {
    const { command, cwd } = this.options;
    const failed = (reason: ServerReason, problem: string) => new StartError(reason, problem, { cause });
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' && cwd !== undefined && !existsSync(cwd))
      return failed('not_found', `working folder "${cwd}" does not exist: change "cwd"`);
    if (code === 'ENOENT')
      return failed('not_found', `command "${command[0]}" not found: is it installed and on PATH?`);
    if (code === 'EACCES')
      return failed('not_allowed', `command "${command[0]}" may not be run: is it an executable file?`);
    const detail = cause instanceof Error ? cause.message : String(cause);
    return failed('not_allowed', `command "${command[0]}" could not be started: ${detail}`);
  }
}

/** One write to the pipe, and at once: the server works on it while the next one is made ready. @returns as Writable.write */
function writeLine(stdin: Writable, json: Buffer): boolean {
  if (json.length <= JOINED_BYTES) return stdin.write(Buffer.concat([json, LINE_FEED]));
  stdin.cork();
  stdin.write(json);
  const more = stdin.write(LINE_FEED);
  stdin.uncork();
  return more;
}

/** Or closed: nothing is left behind on the stream either way, which many messages may come to be written to. */
function drained(stream: Writable): Promise<true> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve(true);
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

function unread(bytes: number): Error {
  return new Error(`the server does not read its input: ${Math.ceil(bytes / 1024 / 1024)} MiB wait for it`);
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `ended by ${signal}`;
  return code === 0 ? 'ended by itself (exit status 0)' : `ended with exit status ${code}`;
}
