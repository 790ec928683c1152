import type { CallClient } from '../../protocol/call-messages.js';
import type { Endpoint } from './endpoint.js';

/** On whose behalf a request is answered: what the edges of both eras know of their client. */
export interface Caller {
  readonly userId: string;
  readonly endpoint: Endpoint;
  /** The client as a local server sees it. */
  readonly client: CallClient;
  /** RFC 5424 name; undefined: no log notifications (a modern request without a level). */
  readonly logLevel: string | undefined;
  /**
   * Told of each device that a request went to: there is something of this client's session there.
   * @param key its server's, at an endpoint of several (protocol/uris.ts)
   */
  went?(deviceId: string, key: string | undefined): void;
}
