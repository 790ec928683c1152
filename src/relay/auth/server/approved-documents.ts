import type { Logger } from '../../../log/logger.js';
import type { Store } from '../../store/store.js';
import { hashedId } from './sealed-record.js';

const KEEP_DAYS = 30;

/**
 * The last good Client ID Metadata Document of each client that someone approved. While its host is down the client
 * goes on as it was: the alternative is `invalid_client` on a refresh, which logs its users out.
 */
export class ApprovedDocuments {
  constructor(
    private readonly store: Store,
    private readonly fetchFresh: typeof globalThis.fetch,
    private readonly logger: Logger,
  ) {}

  async keep(clientId: string, metadata: object): Promise<void> {
    await this.store.put(key(clientId), metadata, { ttlSeconds: KEEP_DAYS * 86_400 });
  }

  /** `fetch` that answers with the kept document where the host cannot; what the host says, it says. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    let failure: unknown;
    try {
      const response = await this.fetchFresh(input, init);
      if (response.status < 500) return response;
      await response.body?.cancel();
      failure = new TypeError(`the host answered ${response.status}`);
    } catch (error) {
      failure = error;
    }
    const url = input instanceof Request ? input.url : String(input);
    const kept = await this.store.get<object>(key(url));
    this.logger.warn('the document of a client could not be fetched', {
      host: new URL(url).host,
      cause: causeOf(failure),
      goesOn: kept !== undefined,
    });
    if (kept === undefined) throw failure;
    return Response.json(kept);
  };
}

/** The innermost reason: `fetch failed` alone helps nobody. */
function causeOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error ? failure.cause.message : failure.message;
}

function key(clientId: string): string {
  return `document:${hashedId(clientId)}`;
}
