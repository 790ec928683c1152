import type { BuiltInTool } from '../../../protocol/names.js';
import { SERVER_STATUSES } from '../../../protocol/server-state.js';
import type { Shape } from '../json-rpc.js';
import { since } from '../protocol-versions.js';

/** Its name is one that no local server's tool gets. */
type BuiltInShape = Shape & { readonly name: BuiltInTool };

const text = { type: 'string' };
const serverSchema = {
  type: 'object',
  properties: {
    name: text,
    status: { enum: SERVER_STATUSES },
    tools: { type: 'integer' },
    version: text,
    protocolVersion: text,
    problem: text,
  },
  required: ['name', 'status', 'tools'],
};

const STATUS: BuiltInShape = {
  name: 'status',
  title: 'Status of your devices',
  description:
    'Shows the devices connected to this relay, since when, and each of their MCP servers with its state, number of tools and versions. Also says what to do when nothing is connected.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
  outputSchema: {
    type: 'object',
    properties: {
      relay: { type: 'object', properties: { version: text }, required: ['version'] },
      devices: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            name: text,
            presence: { enum: ['online', 'away'] },
            since: { type: 'string', format: 'date-time' },
            version: text,
            platform: text,
            servers: { type: 'array', items: serverSchema },
          },
          required: ['name', 'presence', 'since', 'version', 'platform', 'servers'],
        },
      },
      toolsLeftOut: { type: 'integer', description: 'Tools over the limit of one user, which are not listed.' },
      nextStep: text,
    },
    required: ['relay', 'devices'],
  },
  annotations: { title: 'Status of your devices', readOnlyHint: true, openWorldHint: false },
};

const RESTART: BuiltInShape = {
  name: 'restart',
  title: 'Restart MCP servers',
  description:
    'Restarts MCP servers on your devices and answers when they are back: all of them, those of one device, or one server. Calls they are working on are lost. Use it when a server has failed or hangs. The login must allow it: it needs the scope mcp:manage.',
  inputSchema: {
    type: 'object',
    properties: {
      device: { type: 'string', description: 'Name of a device, as status shows it. Default: every device.' },
      server: { type: 'string', description: 'Name of a server, as status shows it. Default: every server.' },
    },
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      devices: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: text, problem: text, servers: { type: 'array', items: serverSchema } },
          required: ['name', 'servers'],
        },
      },
    },
    required: ['devices'],
  },
  annotations: {
    title: 'Restart MCP servers',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
};

const READ_MORE: BuiltInShape = {
  name: 'read_more',
  title: 'Read on in a long result',
  description:
    'Returns the next part of a tool result that was too long for this client and was cut. Use the id and the position that the cut result names.',
  inputSchema: {
    type: 'object',
    properties: {
      id: { type: 'string', description: 'The id at the place where the result was cut.' },
      from: { type: 'integer', minimum: 0, description: 'The position at which to read on.' },
    },
    required: ['id', 'from'],
    additionalProperties: false,
  },
  annotations: { title: 'Read on in a long result', readOnlyHint: true, openWorldHint: false },
};

/**
 * The relay's own tools as a client of `version` gets them, in the order they are listed.
 * @param readMore whether there may be results that were cut
 */
export function builtInTools(version: string, readMore: boolean): readonly Shape[] {
  return [STATUS, RESTART, ...(readMore ? [READ_MORE] : [])].map(({ title, outputSchema, ...rest }) =>
    since(version, '2025-06-18') ? { ...rest, title, ...(outputSchema === undefined ? {} : { outputSchema }) } : rest,
  );
}
