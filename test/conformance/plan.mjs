// Which scenarios run where, and why some do not.

export const LEGACY = '2025-11-25';
export const MODERN = '2026-07-28';

/** Scenarios in which nothing happens even directly. Any other one without a check that passed counts as failed. */
export const EMPTY = {
  'tasks-status-notifications': 'the suite always skips its only check',
};

/** /mcp has the names and URIs of all servers, each with its server's in front; these scenarios need no name of one. */
export const MERGED = {
  [LEGACY]: [
    'server-initialize',
    'server-session-lifecycle',
    'logging-set-level',
    'ping',
    'tools-list',
    'server-sse-multiple-streams',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
  ],
  [MODERN]: [
    'tools-list',
    'server-sse-multiple-streams',
    'resources-list',
    'sep-2164-resource-not-found',
    'prompts-list',
    'dns-rebinding-protection',
    'caching',
    'input-required-result-unsupported-methods',
    'http-header-validation',
  ],
};
/** Why the others are left out there. */
export const MERGED_LEFT_OUT = [
  [
    'tools-call-*, elicitation-*, input-required-*, tasks-*, prompts-get-*, completion-complete, server-sse-polling',
    'call tools and prompts by fixed names',
  ],
  ['json-schema-2020-12', 'looks a tool up by its fixed name'],
  ['resources-read-*, resources-templates-read, resources-subscribe, resources-unsubscribe', 'read fixed URIs'],
  ['server-stateless', 'calls its probing tools by fixed names'],
  ['http-custom-header-server-validation', 'x-mcp-header is not offered on merged endpoints'],
];

/** A server of the other era behind the transparent endpoint: what cannot be there, and why. */
export const ACROSS_LEFT_OUT = {
  [LEGACY]: {},
  [MODERN]: {},
};
