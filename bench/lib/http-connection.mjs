import { connect } from 'node:net';

/** A server that is silent for this long has lost the call. */
const SILENT_MS = 60_000;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const READ_BYTES = 64 * 1024;

/** One keep-alive HTTP/1.1 connection, one request at a time: the load generator must cost less than what it measures. */
export class HttpConnection {
  #socket;
  #waiting;
  #pending = Buffer.alloc(0);
  #head;
  #parts = [];
  /** Bytes of the body, or of the chunk, still to come; undefined between chunks. */
  #left;
  #chunked = false;
  /** Of the line end behind a chunk. */
  #skip = 0;
  open = true;

  constructor({ hostname, port }) {
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      // All is read into one place: a buffer for each read would have V8 collect its whole heap at every few of them.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (bytes, buffer) => this.#read(buffer.subarray(0, bytes)),
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.setTimeout(SILENT_MS, () => this.#fail(new Error(`no answer for ${SILENT_MS / 1000} s`)));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /**
   * @param text the whole request @param take gets the parts of the body as they come, and may read each only then; without it they are kept
   * @returns {Promise<{status: number, headers: string, body: Buffer}>}
   */
  request(text, take = (part) => this.#parts.push(Buffer.from(part))) {
    return new Promise((resolve, reject) => {
      if (!this.open) return reject(new Error('the connection is closed'));
      this.#waiting = { resolve, reject, take };
      this.#socket.write(text);
    });
  }

  /** Sends a request and never reads a byte of the answer. */
  sendAndStall(text) {
    this.#socket.setTimeout(0);
    this.#socket.pause();
    this.#socket.write(text);
  }

  destroy() {
    this.open = false;
    this.#socket.destroy();
  }

  /** True: there is always room for more. */
  #read(data) {
    this.#data(data);
    return true;
  }

  #data(data) {
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, data]) : data;
    this.#pending = Buffer.alloc(0);
    try {
      while (rest.length > 0) {
        const next = this.#step(rest);
        if (next === rest) {
          this.#pending = Buffer.from(rest);
          return;
        }
        rest = next;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes what it can. @returns the rest; the same buffer when there is too little to go on */
  #step(data) {
    if (this.#skip > 0) return this.#skipped(data);
    if (this.#head === undefined) return this.#readHead(data);
    if (this.#left === undefined) return this.#readChunkLine(data);
    const part = data.subarray(0, this.#left);
    this.#waiting.take(part);
    this.#left -= part.length;
    if (this.#left === 0) {
      if (this.#chunked) this.#left = undefined;
      else this.#done();
      // Not kept for the line behind it: the next read would be copied to it, whole.
      if (this.#chunked) this.#skip = LINE_END.length;
    }
    return data.subarray(part.length);
  }

  #readHead(data) {
    const end = data.indexOf(HEAD_END);
    if (end === -1) return data;
    const text = data.latin1Slice(0, end);
    const status = Number(text.slice(9, 12));
    this.#head = { status, headers: text };
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(text);
    this.#left = this.#chunked ? undefined : Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    if (this.#left === 0) this.#done();
    return data.subarray(end + HEAD_END.length);
  }

  #skipped(data) {
    const bytes = Math.min(this.#skip, data.length);
    this.#skip -= bytes;
    return data.subarray(bytes);
  }

  /** `<size>\r\n` */
  #readChunkLine(data) {
    const end = data.indexOf(LINE_END);
    if (end === -1) return data;
    const size = Number.parseInt(data.latin1Slice(0, end), 16);
    if (Number.isNaN(size)) throw new Error('a chunk without a size');
    if (size > 0) {
      this.#left = size;
      return data.subarray(end + LINE_END.length);
    }
    // No trailers come from any server compared here: an empty line ends it.
    if (data.length < end + 2 * LINE_END.length) return data;
    this.#done();
    return data.subarray(end + 2 * LINE_END.length);
  }

  #done() {
    const answer = { ...this.#head, body: this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts) };
    const { resolve } = this.#waiting;
    this.#head = undefined;
    this.#parts = [];
    this.#left = undefined;
    this.#waiting = undefined;
    if (/\r\nconnection: *close/i.test(answer.headers)) this.destroy();
    resolve(answer);
  }

  #fail(error) {
    this.destroy();
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
