export type ListenErrorCode = 'port_taken' | 'port_forbidden' | 'bad_host' | 'failed';

/** The relay cannot listen where its config says; the message says what to change. */
export class ListenError extends Error {
  override readonly name = 'ListenError';

  constructor(
    readonly code: ListenErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** @param cause what `server.listen` failed with */
  static from(cause: Error, port: number, host: string): ListenError {
    const code = 'code' in cause ? cause.code : undefined;
    if (code === 'EADDRINUSE') {
      const message = `Port ${port} on ${host} is taken. Stop what uses it, or set another "port".`;
      return new ListenError('port_taken', message, { cause });
    }
    if (code === 'EACCES') {
      const message = `This user may not listen on port ${port}. Set a "port" above 1023, with a proxy in front for 443.`;
      return new ListenError('port_forbidden', message, { cause });
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EINVAL') {
      const message = `"host" ${host} is not an address of this machine. Set it to one, or to 0.0.0.0 for all of them.`;
      return new ListenError('bad_host', message, { cause });
    }
    return new ListenError('failed', `Cannot listen on ${host} port ${port}: ${cause.message}`, { cause });
  }
}
