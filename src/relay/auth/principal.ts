/** Whoever a checked access token speaks for. Made by TokenVerifier and nowhere else, for HTTP and for the upgrade. */
export interface Principal {
  /** `issuer|subject`; two issuers' equal subjects are two users. */
  readonly userId: string;
  readonly clientId: string;
  /** `mcp` opens /mcp, `mcp:manage` allows `restart` there, `tunnel` opens /ws. */
  readonly scopes: ReadonlySet<string>;
  /** RFC 8707 resource the token is bound to. */
  readonly audience: string;
  /** Revoking this grant ends the token at once. */
  readonly grantId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}
