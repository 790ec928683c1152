/** What is written for one server and has not left this process: the server does not read its input, or not as fast. */
export class UnreadInput {
  #bytes = 0;

  /** @param less told whenever some of it has left */
  constructor(private readonly less: () => void = () => {}) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** @param bytes more, or less where it is negative */
  change(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) this.less();
  }
}
