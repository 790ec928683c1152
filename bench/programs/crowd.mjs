// Agents without local servers, many in one process: each has a link of its own, and answers calls of its tools itself.
import { randomBytes } from 'node:crypto';

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { Link } = await dist('agent/link/link.js');
const { FrameType } = await dist('protocol/frames.js');
const { decodeCall } = await dist('protocol/call-messages.js');
const { encodeJson } = await dist('protocol/messages.js');

const SERVER = 'local';
/** Of what a link logs only tries that the relay refused count. */
const silent = {
  debug(_message, { problem } = {}) {
    if (/status 503/.test(problem)) news.refused.push(Date.now());
  },
  info() {},
  warn() {},
  error() {},
  child: () => silent,
};
const links = [];
const catalogs = new Map();
const news = { ups: [], refused: [], downs: 0 };

/** News of many links in one message. */
setInterval(() => {
  if (news.ups.length + news.refused.length + news.downs === 0) return;
  process.send(news);
  news.ups = [];
  news.refused = [];
  news.downs = 0;
}, 20);

function toolsOf(count) {
  return Array.from({ length: count }, (_, index) => ({
    name: `tool-${index}`,
    description: `Does the thing number ${index}, as a tool of an everyday server says it does, in a sentence or two.`,
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string', description: 'What it is about.' }, limit: { type: 'number' } },
      required: ['text'],
    },
  }));
}

function run(relay, { token, name, tools }) {
  const machine = randomBytes(8).toString('hex');
  const hello = {
    versions: [1],
    instance: randomBytes(8).toString('hex'),
    machine,
    name,
    app: { version: 'bench', platform: process.platform },
    calls: [],
    servers: [{ name: SERVER, status: 'ready' }],
  };
  const up = new Set();
  const link = new Link(
    { relay, version: 'bench', credentials: { accessToken: async () => token }, logger: silent, whenRefused: 'wait' },
    {
      hello: () => hello,
      online(connection) {
        up.add(connection);
        news.ups.push(Date.now());
        connection.message(FrameType.catalog, randomBytes(16).toString('hex'), catalog(tools));
      },
      frame({ type, id, body }, connection) {
        if (type !== FrameType.call) return;
        const { text } = JSON.parse(decodeCall(body).params.toString()).arguments;
        const result = { content: [{ type: 'text', text }] };
        connection.message(FrameType.result, id, Buffer.from(JSON.stringify(result)));
      },
      offline: (connection) => lost(connection),
      draining: (connection) => lost(connection),
      mark() {},
      delivered() {},
      state() {},
    },
  );
  const lost = (connection) => {
    if (up.delete(connection)) news.downs += 1;
  };
  links.push(up);
  return link.run(new AbortController().signal);
}

function catalog(count) {
  const made = catalogs.get(count) ?? makeCatalog(count);
  catalogs.set(count, made);
  return made;
}

function makeCatalog(count) {
  const offer = {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    serverInfo: { name: SERVER, version: '1' },
    capabilities: { tools: {} },
    tools: toolsOf(count),
    prompts: [],
    resources: [],
    resourceTemplates: [],
    fit: true,
  };
  return encodeJson({ seq: 1, server: SERVER, status: 'ready', offer });
}

process.on('message', ({ relay, agents = [], cut = false }) => {
  for (const agent of agents) void run(relay, agent);
  if (cut) for (const up of links) for (const connection of up) connection.terminate();
});
process.on('disconnect', () => process.exit());
