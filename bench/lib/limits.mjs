/** The relay's limits that a load from one machine would hit; all others are the defaults, and none is switched off. */
export const LIMITS = {
  callsPerClient: 10_000,
  callsPerDevice: 10_000,
  connectionsPerAddress: 1_000_000,
  // A run may take longer than a token lives.
  accessTokenSeconds: 86_400,
  // `tools/list` of 1,000 tools is one page, as is the relay's own list it is compared with.
  pageSize: 2000,
};
