import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallHead } from '../../../protocol/call-messages.js';
import { shapeResult } from '../shape.js';

/*
 * What each revision's schema has in its results, written down strictly: the published ones let unknown members pass,
 * which strict clients do not.
 */

type Schema = Readonly<Record<string, unknown>>;
const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

const text = { type: 'string' };
const object = { type: 'object' };
const list = (items: Schema): Schema => ({ type: 'array', items });
/** Members from their revision on; a name that ends in `!` is required. */
const record = (
  revision: string,
  members: Readonly<Record<string, readonly [since: string, schema: Schema]>>,
): Schema => {
  const known = Object.entries(members).filter(([, [since]]) => since <= revision);
  return {
    type: 'object',
    properties: Object.fromEntries(known.map(([name, [, schema]]) => [name.replace('!', ''), schema])),
    required: known.filter(([name]) => name.endsWith('!')).map(([name]) => name.replace('!', '')),
    additionalProperties: false,
  };
};
const is = (type: string): readonly [string, Schema] => ['', { const: type }];

function schemas(revision: string): Readonly<Record<string, Schema>> {
  const of = (members: Parameters<typeof record>[1]) => record(revision, members);
  const named = {
    'name!': ['', text],
    title: ['2025-06-18', text],
    icons: ['2025-11-25', list(object)],
    description: ['', text],
    annotations: ['', object],
    _meta: ['', object],
  } as const;
  const contents = of({
    'uri!': ['', text],
    mimeType: ['', text],
    text: ['', text],
    blob: ['', text],
    _meta: ['', object],
  });
  const shared = { annotations: ['', object], _meta: ['', object] } as const;
  const media = { 'data!': ['', text], 'mimeType!': ['', text], ...shared } as const;
  const resource = { ...named, mimeType: ['', text], size: ['', { type: 'integer' }] } as const;
  const block = {
    oneOf: [
      of({ 'type!': is('text'), 'text!': ['', text], ...shared }),
      of({ 'type!': is('image'), ...media }),
      of({ 'type!': is('resource'), 'resource!': ['', contents], ...shared }),
      ...(revision >= '2025-03-26' ? [of({ 'type!': is('audio'), ...media })] : []),
      ...(revision >= '2025-06-18' ? [of({ 'type!': is('resource_link'), 'uri!': ['', text], ...resource })] : []),
    ],
  };
  const schema = {
    type: 'object',
    properties: { type: { const: 'object' }, properties: { type: 'object', additionalProperties: object } },
    required: ['type'],
  };
  const tool = of({
    ...named,
    'inputSchema!': ['', schema],
    outputSchema: ['2025-06-18', schema],
    execution: ['2025-11-25', object],
  });
  const argument = of({
    'name!': ['', text],
    title: ['2025-06-18', text],
    description: ['', text],
    required: ['', { type: 'boolean' }],
  });
  const prompt = of({ ...named, arguments: ['', list(argument)] });
  const message = of({ 'role!': ['', { enum: ['user', 'assistant'] }], 'content!': ['', block] });
  const result = (members: Parameters<typeof record>[1]) =>
    of({ _meta: ['', own], nextCursor: ['', text], ...members });
  const own = { type: 'object', not: { required: ['io.modelcontextprotocol/serverInfo'] } };
  return {
    'tools/call': result({
      'content!': ['', list(block)],
      structuredContent: ['2025-06-18', object],
      isError: ['', { type: 'boolean' }],
    }),
    'tools/list': result({ 'tools!': ['', list(tool)] }),
    'prompts/get': result({ description: ['', text], 'messages!': ['', list(message)] }),
    'prompts/list': result({ 'prompts!': ['', list(prompt)] }),
    'resources/read': result({ 'contents!': ['', list(contents)] }),
    'resources/list': result({ 'resources!': ['', list(of({ 'uri!': ['', text], ...resource }))] }),
    'resources/templates/list': result({
      'resourceTemplates!': ['', list(of({ 'uriTemplate!': ['', text], ...named, mimeType: ['', text] }))],
    }),
    'completion/complete': result({ 'completion!': ['', object] }),
    'acme/empty': of({}),
  };
}

const icons = [{ src: 'https://example.com/i.png', sizes: ['any'] }];
const common = { title: 't', icons, description: 'd', _meta: { own: 1 } };
const block = fc.constantFrom<unknown>(
  { type: 'text', text: 'x', annotations: { priority: 0.5 } },
  { type: 'image', data: 'AAAA', mimeType: 'image/png' },
  { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
  { type: 'resource_link', uri: 'file:///a', name: 'a', size: 4, ...common },
  { type: 'resource', resource: { uri: 'file:///a', text: 'x' }, _meta: {} },
  { type: 'resource', resource: { uri: 'file:///a', blob: 'AAAA', mimeType: 'a/b' } },
  { type: 'hologram', shape: 1 },
);
const output = fc.constantFrom<unknown>(
  { type: 'object', properties: { a: true, b: { type: 'string' } } },
  { type: 'array' },
  { anyOf: [{ type: 'object' }] },
);
const input = fc.constantFrom<unknown>(
  { type: 'object' },
  { type: 'object', properties: { a: true, b: false, c: {} } },
);
const RESULTS: Readonly<Record<string, fc.Arbitrary<object>>> = {
  'tools/call': fc.record(
    {
      content: fc.array(block, { maxLength: 4 }),
      structuredContent: fc.jsonValue({ maxDepth: 1 }),
      isError: fc.boolean(),
    },
    { requiredKeys: ['content'] },
  ),
  'tools/list': fc.record({ name: fc.constant('a'), inputSchema: input, outputSchema: output }).map((tool) => ({
    tools: [{ ...common, ...tool, annotations: {}, execution: { taskSupport: 'optional' } }],
    nextCursor: '',
  })),
  'prompts/get': fc
    .array(fc.record({ role: fc.constant('user'), content: block }), { maxLength: 4 })
    .map((messages) => ({ description: 'd', messages })),
  'prompts/list': fc.constant({
    prompts: [{ name: 'a', ...common, arguments: [{ name: 'x', title: 'y', required: true }] }],
  }),
  'resources/read': fc.constant({ contents: [{ uri: 'file:///a', text: 'x' }] }),
  'resources/list': fc.constant({ resources: [{ name: 'a', uri: 'file:///a', size: 3, ...common }] }),
  'resources/templates/list': fc.constant({
    resourceTemplates: [{ name: 'a', uriTemplate: 'file:///{+a}', ...common }],
  }),
  'completion/complete': fc.constant({ completion: { values: ['a'] } }),
  'acme/empty': fc.constant({}),
};

const head = (revision: string, method: string): CallHead => ({
  server: 's',
  method,
  client: {
    era: 'legacy',
    protocolVersion: revision,
    endpoint: 'server',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 's1',
  },
});
const MODERN = { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'x', version: '1' } } };
const CACHED = { ttlMs: 1, cacheScope: 'public' };

describe.each(REVISIONS)('§7.36 a client of %s gets what its revision has', (revision) => {
  const validator = new AjvJsonSchemaValidator();
  it.each(Object.entries(schemas(revision)))('from a server of any revision: %s', (method, schema) => {
    const strict: JsonSchemaType = JSON.parse(JSON.stringify(schema));
    const check = validator.getValidator(strict);
    const result = RESULTS[method];
    if (result === undefined) throw new Error(`no results of ${method}`);
    const cached = /list$|read$/.test(method) ? CACHED : {};
    fc.assert(
      fc.property(result, (given) => {
        const modern = Buffer.from(JSON.stringify({ ...given, ...MODERN, ...cached }));
        const shaped = shapeResult(head(revision, method), modern, { era: 'modern' }).toString();
        expect(check(JSON.parse(shaped)), shaped).toMatchObject({ valid: true });
        if (revision === '2025-11-25') return;
        const legacy = Buffer.from(JSON.stringify(given));
        const older = shapeResult(head(revision, method), legacy, { era: 'legacy' }).toString();
        expect(check(JSON.parse(older)), older).toMatchObject({ valid: true });
      }),
      { numRuns: 100 },
    );
  });
});
