import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * A response of the relay's, which may have headers that are the same on all of them. They join the others when the head
 * is written: set one by one before, they would be checked and copied once more for each response.
 */
export class FrontResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  #fixed: readonly string[] | undefined;

  /** @param headers names and values in turn; none that is written with the head. One that has been set before is left out. */
  fix(headers: readonly string[]): void {
    this.#fixed = headers;
  }

  /** Node writes every head by this, also one that nobody asked for. */
  override writeHead(status: number, reason?: string, headers?: Headers): this;
  override writeHead(status: number, headers?: Headers): this;
  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const fixed = this.#fixed;
    this.#fixed = undefined;
    if (fixed !== undefined) {
      if (isPlain(reason) && this.getHeaderNames().length === 0) {
        const all: OutgoingHttpHeader[] = [...fixed];
        for (const name in reason) all.push(name, reason[name] as OutgoingHttpHeader);
        return super.writeHead(status, all);
      }
      for (let at = 0; at < fixed.length; at += 2) this.#setIfNone(fixed[at] as string, fixed[at + 1] as string);
    }
    return typeof reason === 'string' ? super.writeHead(status, reason, headers) : super.writeHead(status, reason);
  }

  #setIfNone(name: string, value: string): void {
    if (!this.hasHeader(name)) this.setHeader(name, value);
  }
}

function isPlain(headers: string | Headers | undefined): headers is OutgoingHttpHeaders {
  return typeof headers === 'object' && !Array.isArray(headers);
}
