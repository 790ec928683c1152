import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/** The parts of a request to an OpenAI-compatible model that are looked at here. */
interface Completion {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

export interface ScriptedModel extends AsyncDisposable {
  readonly baseURL: string;
  /** What the tool answered. */
  readonly results: unknown[];
}

/** A model on loopback that knows one thing to do: call `tool`, then say that it has. Where it is offered no tool it says so at once. */
export async function startModel(tool: string, args: object): Promise<ScriptedModel> {
  const results: unknown[] = [];
  const server = createServer(async (request, response) => {
    const { messages, tools = [] } = (await json(request)) as Completion;
    const answers = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    results.push(...answers);
    const offered = tools.some(({ function: { name } }) => name === tool);
    const call = { index: 0, id: 'call', type: 'function', function: { name: tool, arguments: JSON.stringify(args) } };
    const [delta, finish_reason] =
      offered && answers.length === 0
        ? [{ role: 'assistant', tool_calls: [call] }, 'tool_calls']
        : [{ role: 'assistant', content: 'That is all.' }, 'stop'];
    const chunk = { id: 'answer', object: 'chat.completion.chunk', created: 0, model: 'scripted' };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const choice of [{ delta }, { delta: {}, finish_reason }]) {
      response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, ...choice }] })}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the model has no port');
  return {
    baseURL: `http://127.0.0.1:${address.port}/v1`,
    results,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
