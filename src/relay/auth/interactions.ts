import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the consent and sign-in pages know about the authorization request this browser has begun. */
export interface PendingAuthorization {
  readonly uid: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    readonly uri?: string;
    /** Where the code will go, as registered; absent where a device asks, which fetches its token itself. */
    readonly redirectUri?: string;
    /** Host of `redirectUri`, or its scheme for a private-use scheme. */
    readonly redirectHost?: string;
    /** The code goes to a program on the browser's own machine: anyone there can claim this identity. */
    readonly loopback: boolean;
    /** `document`: Client ID Metadata Document; `registered`: RFC 7591; `agent`: our own login command. */
    readonly kind: 'document' | 'registered' | 'agent';
  };
  /** Set where a machine without a browser asks, by a code that was typed in here (RFC 8628). */
  readonly device?: {
    /** As it stands on that machine's terminal. */
    readonly userCode: string;
    /** What the machine calls itself. */
    readonly name?: string;
    /** The network address it asks from. */
    readonly address?: string;
  };
  /** What "Allow" grants in any case. */
  readonly scopes: readonly string[];
  /** The scope `mcp:manage`, which the person may give or keep back whatever was asked for; `none`: not for this resource. */
  readonly manage: 'asked' | 'offered' | 'none';
  readonly resource: string;
  /** True once the person at this browser has approved this client for this request. */
  readonly consented: boolean;
  /** Set when this browser has a signed-in session with the relay. */
  readonly account?: { readonly userId: string; readonly displayName: string };
}

/**
 * The authorization request between /authorize and its redirect back. Bound to one browser by a cookie.
 * Every method throws InteractionError when there is none, it has expired, or it belongs to another browser.
 */
export interface Interactions {
  pending(req: IncomingMessage, res: ServerResponse): Promise<PendingAuthorization>;
  /**
   * Remembers the approval; must come before any redirect to the login provider (confused deputy).
   * @param manage the person also gives the scope `mcp:manage`; counts for nothing where `pending` says `none`
   */
  approve(req: IncomingMessage, res: ServerResponse, manage: boolean): Promise<void>;
  /** Ends with `access_denied` at the client. Writes the response. */
  deny(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Signs in and grants; throws unless approved. Writes the response (redirect with code, state and iss). */
  finish(
    req: IncomingMessage,
    res: ServerResponse,
    account: { readonly userId: string; readonly displayName: string },
  ): Promise<void>;
}

/** Nest injection token for the one Interactions. */
export const INTERACTIONS = Symbol('Interactions');

export type InteractionErrorCode = 'missing' | 'expired' | 'not_approved';

export class InteractionError extends Error {
  constructor(readonly code: InteractionErrorCode) {
    super(`authorization request ${code}`);
  }
}
