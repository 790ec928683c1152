// A legacy server on SDK v1 that asks its client. The argument is a file: each thing it does becomes a line there.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import {
  InMemoryTaskMessageQueue,
  InMemoryTaskStore,
} from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { McpError, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const file = process.argv[2];
const did = (what) => appendFileSync(file, `${JSON.stringify(what)}\n`);
const text = (value) => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
});
const failed = (error) => text({ code: error.code, message: error.message });
const name = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const form = (message, requestedSchema = name) => ({ message, requestedSchema });

const mcp = new McpServer(
  { name: 'asking', version: '1.0.0' },
  {
    capabilities: { logging: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
    taskStore: new InMemoryTaskStore(),
    taskMessageQueue: new InMemoryTaskMessageQueue(),
  },
);
const { server } = mcp;
const ask = (params, options) =>
  server.elicitInput(params, options).catch((error) => ({ failed: { code: error.code } }));

mcp.registerTool('ask', { inputSchema: { message: z.string(), times: z.number().optional() } }, async (args, extra) => {
  did({ began: args.message });
  extra.signal.addEventListener('abort', () => did({ cancelled: args.message }));
  const replies = [];
  for (let round = 0; round < (args.times ?? 1); round += 1) {
    const reply = await ask(form(args.message));
    did({ reply });
    replies.push(reply);
  }
  did({ ended: args.message });
  return text(replies);
});

mcp.registerTool('ask-two', {}, async () => {
  did({ began: 'two' });
  const replies = await Promise.all([ask(form('first')), ask(form('second'))]);
  did({ ended: 'two' });
  return text(replies);
});

mcp.registerTool('ask-url', {}, async () =>
  text(await ask({ mode: 'url', message: 'Sign in', elicitationId: 'e-1', url: 'https://example.com/sign-in' })),
);

mcp.registerTool('ask-enum', { inputSchema: { several: z.boolean().optional() } }, async ({ several }) => {
  const choices = [
    { const: 'r', title: 'Red' },
    { const: 'g', title: 'Green' },
  ];
  const colour = several ? { type: 'array', items: { anyOf: choices } } : { type: 'string', oneOf: choices };
  return text(await ask(form('Which?', { type: 'object', properties: { colour } })));
});

mcp.registerTool('ask-model', {}, async () => {
  const params = {
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hi' } }],
    maxTokens: 10,
    includeContext: 'allServers',
  };
  return server.createMessage(params).then(text, failed);
});

mcp.registerTool('ask-roots', {}, async () => server.listRoots().then(text, failed));

mcp.registerTool('ask-between-progress', {}, async (extra) => {
  const { progressToken } = extra._meta ?? {};
  const tell = (progress) =>
    extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress } });
  await tell(1);
  await ask(form('go on?'));
  await tell(2);
  await tell(3);
  return text('done');
});

mcp.registerTool('ask-then-die', {}, async () => {
  did({ began: 'die' });
  void ask(form('last words?'));
  await wait(300);
  process.exit(3);
});

mcp.registerTool('ask-patiently', {}, async () => {
  const onprogress = ({ progress }) => did({ alive: progress });
  return text(await ask(form('take your time'), { onprogress, resetTimeoutOnProgress: true }));
});

mcp.registerTool('ask-impatiently', {}, async () => {
  const reply = await ask(form('quick!'), { timeout: 150 });
  did({ gaveUp: reply });
  return text('without you, then');
});

mcp.registerPrompt('asking', {}, async () => {
  const { content } = await ask(form('whose prompt?'));
  return { messages: [{ role: 'user', content: { type: 'text', text: content.name } }] };
});

mcp.resource('asked', 'file:///asked', async (uri) => {
  const { content } = await ask(form('whose file?'));
  return { contents: [{ uri: uri.href, text: content.name }] };
});

const later = mcp.registerTool('later', {}, async () => text('later'));
mcp.registerTool('change-tools', {}, async () => {
  later.update({ description: 'changed' });
  return text('changed');
});

mcp.registerTool('log', {}, async (extra) => {
  for (const [level, data] of [
    ['debug', 'quiet'],
    ['error', 'loud'],
  ]) {
    await extra.sendNotification({ method: 'notifications/message', params: { level, data } });
  }
  return text('logged');
});

server.fallbackNotificationHandler = async ({ method, params }) => {
  if (method === 'notifications/own') did({ notified: params.of });
};

let visits = 0;
mcp.registerTool('visit-first', {}, async () => {
  visits += 1;
  did({ visit: visits });
  if (visits % 2 === 0) return text(`visited after ${visits}`);
  throw new UrlElicitationRequiredError([
    { mode: 'url', message: 'Sign in', elicitationId: 'e-2', url: 'https://example.com/visit' },
  ]);
});

mcp.registerTool('plain', { inputSchema: { message: z.string() } }, async ({ message }) => {
  did({ plain: message });
  return text(message);
});

mcp.resource('missing', 'file:///missing', () => {
  throw new McpError(-32002, 'Resource not found', { uri: 'file:///missing' });
});

const running = new Map();
mcp.experimental.tasks.registerToolTask(
  'job',
  {
    inputSchema: { asks: z.boolean().optional(), hangs: z.boolean().optional() },
    execution: { taskSupport: 'required' },
  },
  {
    createTask: async ({ asks, hangs }, extra) => {
      const task = await extra.taskStore.createTask({ ttl: extra.taskRequestedTtl, pollInterval: 50 });
      did({ task: task.status });
      const { taskId } = task;
      const work = async () => {
        if (hangs) return;
        await wait(60);
        let said = 'nothing';
        if (asks) {
          await extra.taskStore.updateTaskStatus(taskId, 'input_required');
          const meta = { 'io.modelcontextprotocol/related-task': { taskId } };
          said = await server.elicitInput({ ...form('the job asks'), _meta: meta }, { relatedTask: { taskId } });
          await extra.taskStore.updateTaskStatus(taskId, 'working');
        }
        await extra.taskStore.storeTaskResult(taskId, 'completed', text({ job: 'done', said }));
      };
      running.set(
        taskId,
        work().catch((error) => did({ broke: String(error) })),
      );
      return { task };
    },
    getTask: async (_args, extra) => {
      const task = await extra.taskStore.getTask(extra.taskId);
      return task;
    },
    getTaskResult: async (_args, extra) => extra.taskStore.getTaskResult(extra.taskId),
  },
);

await mcp.connect(new StdioServerTransport());
process.stdin.on('close', () => process.exit(0));
