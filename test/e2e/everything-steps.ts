import type { Answers, Params } from './everything-client.js';

/** One request, and what it is to bring about. */
export interface Step {
  readonly method: string;
  readonly params?: Params;
  /** What the person and the model at the client say to it. */
  readonly answers?: Partial<Answers>;
  /** Notifications that follow from it, and that are awaited. */
  readonly hears?: readonly string[];
}

const LOG = 'notifications/message';
const UPDATED = 'notifications/resources/updated';
const CHANGED = 'notifications/resources/list_changed';
const text = (id: number) => `demo://resource/dynamic/text/${id}`;

const tool = (name: string, args: Params = {}, more: Omit<Step, 'method' | 'params'> = {}): Step => ({
  method: 'tools/call',
  params: { name, arguments: args },
  ...more,
});
const complete = (ref: Params, name: string, value: string, more: Params = {}): Step => ({
  method: 'completion/complete',
  params: { ref, argument: { name, value }, ...more },
});
const watch = (verb: 'subscribe' | 'unsubscribe', id: number, hears: readonly string[] = []): Step => ({
  method: `resources/${verb}`,
  params: { uri: text(id) },
  hears,
});
const PROMPT = { type: 'ref/prompt', name: 'completable-prompt' };
const VISIT = { url: 'https://example.com/visit', message: 'Look here' };
const FORM = {
  name: 'Ada',
  check: true,
  firstLine: 'It began with plums.',
  email: 'ada@example.com',
  homepage: 'https://example.com/',
  birthdate: '1815-12-10',
  integer: 7,
  number: 2.5,
  untitledSingleSelectEnum: 'Ross',
  untitledMultipleSelectEnum: ['Drums', 'Bass'],
  titledSingleSelectEnum: 'hero-2',
  titledMultipleSelectEnum: ['fish-2'],
  legacyTitledEnum: 'pet-3',
};

/** All that server-everything can, in an order that leaves it as it was. Its tasks have a test of their own. */
export const STEPS: readonly Step[] = [
  { method: 'ping' },
  { method: 'tools/list' },
  { method: 'prompts/list' },
  { method: 'resources/list' },
  { method: 'resources/templates/list' },

  // Before any level was asked for.
  watch('subscribe', 3, [LOG]),
  watch('unsubscribe', 3, [LOG]),

  tool('echo', { message: 'é"\\\t\u2028漢😀 </script>' }),
  tool('echo'),
  tool('get-annotated-message', { messageType: 'error', includeImage: true }),
  tool('get-annotated-message', { messageType: 'debug' }),
  tool('get-env'),
  tool('get-resource-links', { count: 4 }),
  tool('get-resource-reference', { resourceType: 'Text', resourceId: 1 }),
  tool('get-resource-reference', { resourceType: 'Blob', resourceId: 2 }),
  tool('get-resource-reference', { resourceId: -1 }),
  tool('get-roots-list'),
  tool('get-structured-content', { location: 'Chicago' }),
  tool('get-sum', { a: 0.1, b: 1e21 }),
  tool('get-sum', { a: 'one' }),
  tool('get-tiny-image'),
  tool('simulate-research-query', { topic: 'plums' }),
  tool('trigger-long-running-operation', { duration: 0.3, steps: 3 }),
  tool('none'),

  tool('trigger-elicitation-request', {}, { answers: { elicited: { action: 'accept', content: FORM } } }),
  tool('trigger-elicitation-request', {}, { answers: { elicited: { action: 'decline' } } }),
  tool('trigger-elicitation-request', {}, { answers: { elicited: { action: 'cancel' } } }),
  tool('trigger-url-elicitation', { ...VISIT, elicitationId: 'own' }),
  tool('trigger-url-elicitation', VISIT, { answers: { elicited: { action: 'decline' } } }),
  tool('trigger-url-elicitation', VISIT, { answers: { elicited: { action: 'cancel' } } }),
  tool('trigger-url-elicitation', { ...VISIT, errorPath: true }),
  tool('trigger-url-elicitation', { ...VISIT, errorPath: true }),
  tool('trigger-sampling-request', { prompt: 'How are the plums?', maxTokens: 20 }),
  tool('trigger-sampling-request', { prompt: 'And the pears?' }, { answers: { sampled: undefined } }),

  { method: 'prompts/get', params: { name: 'simple-prompt' } },
  { method: 'prompts/get', params: { name: 'args-prompt', arguments: { city: 'Chicago', state: 'IL' } } },
  { method: 'prompts/get', params: { name: 'args-prompt' } },
  { method: 'prompts/get', params: { name: 'completable-prompt', arguments: { department: 'Sales', name: 'Eve' } } },
  { method: 'prompts/get', params: { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '1' } } },
  { method: 'prompts/get', params: { name: 'resource-prompt', arguments: { resourceType: 'Blob', resourceId: '2' } } },
  { method: 'prompts/get', params: { name: 'none' } },
  complete(PROMPT, 'department', 'S'),
  complete(PROMPT, 'name', '', { context: { arguments: { department: 'Sales' } } }),
  complete({ type: 'ref/prompt', name: 'resource-prompt' }, 'resourceType', 'B'),
  complete({ type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' }, 'resourceId', '12'),
  complete({ type: 'ref/resource', uri: 'demo://resource/dynamic/blob/{resourceId}' }, 'resourceId', 'x'),

  { method: 'resources/read', params: { uri: text(1) } },
  { method: 'resources/read', params: { uri: 'demo://resource/dynamic/blob/2' } },
  { method: 'resources/read', params: { uri: 'demo://resource/static/document/features.md' } },
  { method: 'resources/read', params: { uri: text(0) } },
  { method: 'resources/read', params: { uri: 'demo://resource/none' } },

  { method: 'logging/setLevel', params: { level: 'debug' } },
  tool('toggle-simulated-logging', {}, { hears: [LOG] }),
  tool('toggle-simulated-logging'),

  tool('gzip-file-as-resource', { name: 'plums.gz', data: 'data:text/plain,plums' }, { hears: [CHANGED] }),
  { method: 'resources/list' },
  { method: 'resources/read', params: { uri: 'demo://resource/session/plums.gz' } },
  tool('gzip-file-as-resource', { name: 'pears.gz', data: 'data:text/plain,pears', outputType: 'resource' }),

  { method: 'logging/setLevel', params: { level: 'error' } },
  watch('subscribe', 1),
  { method: 'logging/setLevel', params: { level: 'debug' } },
  watch('subscribe', 2, [LOG]),
  watch('unsubscribe', 1, [LOG]),
  // Of the second alone.
  tool('toggle-subscriber-updates', {}, { hears: [UPDATED] }),
  tool('toggle-subscriber-updates'),
  watch('unsubscribe', 2, [LOG]),
  { method: 'logging/setLevel', params: { level: 'loud' } },

  { method: 'acme/unheard-of', params: { a: 1 } },
];
