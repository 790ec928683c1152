// Which scenarios run where, and why some do not.

export const LEGACY = '2025-11-25';
export const MODERN = '2026-07-28';

/** Why these cannot be, of a legacy server. */
const TASKS = 'the tasks extension belongs to 2026-07-28';

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

/** Checks that look at one HTTP hop; the relay's may differ, and the suite then only notes it (INFO). */
export const OF_THE_HOP = {
  'server-sse-multiple-streams:server-sse-streams-functional': 'the relay answers a list as JSON, without a stream',
  'server-sse-polling:server-sse-disconnect-resume': 'the relay does not hang up in the middle of a call',
};

/** A server of the other era behind the transparent endpoint: scenarios or checks that cannot hold there, and why. */
export const ACROSS_LEFT_OUT = {
  [LEGACY]: {
    'server-sse-polling': 'its tool closes a stream, which the modern fixture does not know',
  },
  [MODERN]: {
    'tasks-lifecycle': TASKS,
    'tasks-capability-negotiation': TASKS,
    'tasks-wire-fields': TASKS,
    'tasks-request-state-removal': TASKS,
    'tasks-mrtr-input': TASKS,
    'tasks-request-headers': TASKS,
    'tasks-dispatch-and-envelope': TASKS,
    'tasks-required-task-error': TASKS,
    'tasks-mrtr-composition': TASKS,
    'input-required-result-basic-elicitation': 'wants the server’s own key; a legacy server’s question has none',
    'input-required-result-basic-list-roots': 'roots are the agent’s, so the client is not asked',
    'input-required-result-multiple-input-requests': 'counts the roots among the questions',
    'input-required-result-ignore-extra-params': 'answers before it is asked, which a legacy server cannot take',
    'server-stateless:sep-2575-server-rejects-undeclared-capability': 'a legacy server cannot answer -32021',
    'server-stateless:sep-2575-missing-capability-http-400': 'a legacy server cannot answer -32021',
  },
};
