// A modern server on SDK v2 that wants input. The argument is a file: each thing it does becomes a line there.
import { appendFileSync } from 'node:fs';
import { inputRequired, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const file = process.argv[2];
const did = (what) => appendFileSync(file, `${JSON.stringify(what)}\n`);
const text = (value) => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
});
const form = (message) =>
  inputRequired.elicit({ message, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } });
const sample = () =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hi' } }],
    maxTokens: 10,
  });

serveStdio(
  () => {
    const server = new McpServer({ name: 'wanting', version: '1.0.0' }, { capabilities: { logging: {} } });
    const tool = (name, inputSchema, run) =>
      server.registerTool(name, { inputSchema: z.object(inputSchema) }, async (args, ctx) => {
        const { id, inputResponses, requestState } = ctx.mcpReq;
        const state = requestState?.();
        did({ tool: name, id, inputResponses, state });
        return run(args, inputResponses, state, ctx);
      });

    // Two rounds; the state is awkward to carry byte for byte.
    const first = 'state "one" \u00e9 \u2028 \\ /';
    tool('two-rounds', {}, (_args, responses, state) => {
      if (state === undefined) return inputRequired({ inputRequests: { a: form('first?') }, requestState: first });
      if (state === first) {
        return inputRequired({ inputRequests: { b: form('second?'), c: sample() }, requestState: `two:${first}` });
      }
      return text({ state, responses });
    });
    tool('state-only', {}, (_args, _responses, state) =>
      state === undefined ? inputRequired({ requestState: 'later' }) : text(`after ${state}`),
    );
    tool('ask', {}, (_args, responses) =>
      responses === undefined ? inputRequired({ inputRequests: { a: form('who?') } }) : text(responses),
    );
    tool('ask-url', {}, (_args, responses) =>
      responses === undefined
        ? inputRequired({
            inputRequests: { a: inputRequired.elicitUrl({ message: 'Open', url: 'https://example.com/x' }) },
          })
        : text(responses),
    );
    tool('ask-model', {}, (_args, responses) =>
      responses === undefined ? inputRequired({ inputRequests: { a: sample() } }) : text(responses),
    );
    tool('ask-roots', { also: z.boolean().optional() }, ({ also }, responses) => {
      if (responses !== undefined) return text(responses);
      const asked = also ? { a: form('who?') } : {};
      return inputRequired({ inputRequests: { r: inputRequired.listRoots(), ...asked }, requestState: 'rooted' });
    });
    tool('ask-on', {}, (_args, _responses, state) =>
      inputRequired({ inputRequests: { a: form('again?') }, requestState: `${Number(state ?? 0) + 1}` }),
    );
    tool('log', {}, async (_args, _responses, _state, ctx) => {
      await ctx.mcpReq.log('debug', 'quiet');
      await ctx.mcpReq.log('error', 'loud');
      return text('logged');
    });
    return server;
  },
  { legacy: 'reject' },
);
