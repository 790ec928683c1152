/** What a cell of the matrix needs of a client; one kind on each SDK. */
export interface MatrixClient extends AsyncDisposable {
  /** One request to its end, whatever the client is asked meanwhile. Rejects with the SDK's error, which has a `code`. */
  request(method: string, params?: Params, options?: CallOptions): Promise<Record<string, unknown>>;
  /** Notifications outside of progress, in order. */
  readonly heard: readonly Heard[];
  /** The first notification of that method, past or to come, from `from` on. */
  hear(method: string, from?: number): Promise<Heard>;
  /** Requests of the server, in order. */
  readonly asked: readonly Heard[];
  /** From now on changes of lists and of these resources are heard. */
  watch(uris: readonly string[]): Promise<void>;
  unwatch(uris: readonly string[]): Promise<void>;
  /** Log lines of this level and above come with the calls that follow. */
  logLevel(level: string): Promise<void>;
}

export type Params = Readonly<Record<string, unknown>>;

export interface Heard {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export interface CallOptions {
  readonly onProgress?: (progress: {
    progress: number;
    total?: number | undefined;
    message?: string | undefined;
  }) => void;
  readonly signal?: AbortSignal;
}

/** What the model at the client says to anything. */
export const SPOKEN = {
  role: 'assistant' as const,
  content: { type: 'text' as const, text: 'Paris' },
  model: 'a model',
  stopReason: 'endTurn',
};

/** What the person at the client answers: `my <field>` to each field, and yes to a page. */
export function elicited(params: { readonly mode?: string | undefined; readonly requestedSchema?: unknown }) {
  const action = 'accept' as const;
  if (params.mode === 'url') return { action };
  const { properties = {} } = (params.requestedSchema ?? {}) as { properties?: Record<string, { type?: string }> };
  const content = Object.entries(properties).map(
    ([key, { type }]) => [key, type === 'boolean' ? true : `my ${key}`] as const,
  );
  return { action, content: Object.fromEntries(content) };
}

/** Things that come one after another, and those who wait for one. */
export class Heap {
  readonly all: Heard[] = [];
  readonly #waiting = new Set<() => void>();

  add(method: string, params: unknown): void {
    const entries = typeof params === 'object' && params !== null ? Object.entries(params) : [];
    this.all.push({ method, params: Object.fromEntries(entries) });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async first(method: string, from = 0): Promise<Heard> {
    for (;;) {
      const found = this.all.slice(from).find((one) => one.method === method);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}
