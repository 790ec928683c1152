/** The shapes every command works with after config has been read and checked. Units are in the names. */

/** Who may sign in at `auth.issuer`; an empty object lets in whoever the provider lets in. */
export interface AllowRule {
  /** Exact addresses; need `email_verified` not to be false. */
  readonly emails?: readonly string[];
  /** Domains of the address, e.g. `example.com`; need `email_verified` not to be false. */
  readonly domains?: readonly string[];
  /** Claim name to accepted values; a claim that is an array matches when one element does. Every claim named must match. */
  readonly claims?: Readonly<Record<string, readonly (string | number | boolean)[]>>;
}

export interface OidcLoginConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly scopes: readonly string[];
  readonly userClaim: string;
  readonly allow: AllowRule;
}

/** Every limit of the relay; defaults in `limits.ts`. */
export interface Limits {
  /** Largest request body on /mcp. */
  readonly requestBytes: number;
  /** Bodies that are being read and those of requests not answered yet, of all users; half of it of one. */
  readonly openRequestBytes: number;
  /** Largest result of one call. */
  readonly resultBytes: number;
  readonly callsPerDevice: number;
  readonly callsPerClient: number;
  /** How long a call over one of the two limits above waits for a place before it is refused. */
  readonly queueSeconds: number;
  readonly toolsPerUser: number;
  readonly promptsPerUser: number;
  /** Resources, and as many templates. */
  readonly resourcesPerUser: number;
  readonly devicesPerUser: number;
  /** A call without progress ends after this. */
  readonly callSeconds: number;
  /** A call ends after this however much progress it reports. */
  readonly callMaxSeconds: number;
  /** Tools on one page of tools/list. */
  readonly pageSize: number;
  /** Pages of lists kept as they go out, of all users; a quarter of it of one. */
  readonly listBytes: number;
  /** What one event stream keeps for resumption. */
  readonly replayBytes: number;
  readonly replaySeconds: number;
  /** A legacy session id is accepted for this long after it was made. */
  readonly sessionSeconds: number;
  /** Open GET streams of one client. */
  readonly streamsPerClient: number;
  /** Calls of one client that only listen: one for each server behind a stream or a watched resource. */
  readonly listensPerClient: number;
  /** A call silent for this long is answered as an event stream, so that no proxy cuts it. */
  readonly silentSeconds: number;
  /** Comment lines on every event stream. */
  readonly keepaliveSeconds: number;
  /** A device that dropped off without a goodbye stays listed for this long. */
  readonly presentSeconds: number;
  /** Calls of a lost link wait this long for the agent to come back before they fail. */
  readonly resumeSeconds: number;
  readonly heartbeatSeconds: number;
  /** No answer to a heartbeat for this long: the peer is dead. */
  readonly pongSeconds: number;
  /** Running calls may finish for this long after SIGTERM. */
  readonly drainSeconds: number;
  readonly headerSeconds: number;
  readonly bodySeconds: number;
  readonly idleSeconds: number;
  readonly connectionsPerAddress: number;
  /** Requests of one connection that are refused, or have no answer yet and may be, before it is closed. */
  readonly refusalsPerConnection: number;
  /** Agents let in a second; more of them wait in line. */
  readonly linksPerSecond: number;
  /** Requests a minute and address on unauthenticated endpoints (metadata, authorize, sign-in pages). */
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly registrationsPerHour: number;
  readonly signInsPerMinute: number;
  readonly registeredClients: number;
  readonly accessTokenSeconds: number;
  readonly refreshTokenDays: number;
  /** A used refresh token still answers with an access token for this long (clients refresh twice at once). */
  readonly refreshGraceSeconds: number;
  readonly registrationDays: number;
}

export interface RelayConfig {
  readonly mode: 'relay';
  /** Absent: built-in accounts. */
  readonly auth?: OidcLoginConfig;
  readonly port: number;
  readonly host: string;
  /** Public URL without a trailing slash; absent: http://localhost:<port>. */
  readonly issuerUrl?: string;
  readonly secret?: string;
  readonly dataDir: string;
  /** Express's `trust proxy` value: true, a number of hops, or addresses. */
  readonly trustProxy: boolean | number | string | readonly string[];
  readonly limits: Limits;
}

interface LocalServerCommon {
  readonly disabled: boolean;
  /** Seconds one request to this server may take; absent: the call's own deadline. */
  readonly timeout?: number;
  /** Which revisions of MCP it is spoken to in: those with `initialize`, or 2026-07-28; absent or `auto`: as it answers. */
  readonly era?: 'auto' | 'legacy' | 'modern';
  /** `client`: started once for each client session; absent or `shared`: once for all. */
  readonly isolation?: 'shared' | 'client';
  /** Such a server of one client ends when it was not used for this long; absent: 600. */
  readonly isolationIdleSeconds?: number;
  /** URIs of the folders it may take as its roots; absent: the agent offers it no roots. */
  readonly roots?: readonly string[];
  /** It may ask the model of whoever calls it; absent: it may not. */
  readonly sampling?: boolean;
}

export interface StdioServerConfig extends LocalServerCommon {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface HttpServerConfig extends LocalServerCommon {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type LocalServerConfig = StdioServerConfig | HttpServerConfig;

export interface AgentConfig {
  readonly mode: 'agent';
  /** Origin of the relay with scheme, without a trailing slash: https://relay.example.com. */
  readonly relay: string;
  /** Device name: a slug, see protocol/names.ts. */
  readonly name: string;
  readonly servers: Readonly<Record<string, LocalServerConfig>>;
  /** Lists are fitted to what single client programs take. */
  readonly clientFit: boolean;
  /** Plain http:// to a relay that is not on this machine; set by a flag only. */
  readonly insecure: boolean;
  /** Identifies this config on this machine: hash of the config's source; names state files and the daemon. */
  readonly profile: string;
  /** Folder for credentials, device identity, control socket and logs (0700). */
  readonly stateDir: string;
}

export type Config = RelayConfig | AgentConfig;
