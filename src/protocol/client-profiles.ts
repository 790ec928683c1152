/**
 * What known MCP clients take and what they choke on. Each row says where that is from; a client that is in no row gets
 * everything as the server gave it. Vendors change these limits, so a row without a source is a mistake.
 */

/** Which JSON Schema a client, or the model API behind it, accepts as a tool's input. */
export interface SchemaRules {
  /** `anyOf`, `oneOf`, `allOf`, `not`, `if` and `enum` at the root: the tool is dropped, or every request fails. */
  readonly flatRoot?: true;
  /** `$ref`: definitions are not resolved, or are cut off before the model sees the schema. */
  readonly inlineRefs?: true;
  /** Must be valid by 2020-12, with property names at the root that match `^[a-zA-Z0-9_.-]{1,64}$`: else every request fails. */
  readonly draft202012?: true;
  /** `prefixItems`, `unevaluatedProperties` and other keywords that are new in 2020-12. */
  readonly noNewKeywords?: true;
  /** `"type": ["string", "null"]`, and schemas that are `true` or `false`. */
  readonly plainTypes?: true;
  /** An array without `items`. */
  readonly arrayItems?: true;
}

export interface ImageLimits {
  /** Largest image, in bytes before base64. */
  readonly bytes: number;
  /** Longest edge, in pixels. */
  readonly edge: number;
  /** All images of one result together, in bytes before base64. */
  readonly totalBytes: number;
  readonly types: readonly string[];
}

export interface ClientProfile {
  readonly name: string;
  /** Names of tools longer than this, or other than this, hide the tool or the whole connector. */
  readonly toolNameMax: number;
  readonly toolNamePattern: RegExp;
  readonly schema: SchemaRules;
  /** Characters of text in one tool result. Absent: no limit, or the client deals with more by itself. */
  readonly resultCharacters?: number;
  readonly image?: ImageLimits;
}

interface Row extends ClientProfile {
  /** `clientInfo.name`, and what programs between add to it: `claude-ai (via mcp-remote 0.15.1)`. */
  readonly info: RegExp;
  /** Host of a client id that is a URL (OAuth client id metadata documents). */
  readonly hosts?: readonly string[];
}

const NAME = /^[a-zA-Z0-9_-]+$/;

/**
 * Claude's API: 5 MB of base64 an image (anthropics/claude-code#29269), 20 MB a request (#37418), 8,000 pixels an edge (ChromeDevTools/chrome-devtools-mcp#879,
 * anthropics/claude-code#5147: the conversation is lost), 2,000 once a conversation holds more than 20 images (trycua/cua#884).
 */
const CLAUDE_IMAGES: ImageLimits = {
  bytes: 3_700_000,
  edge: 2000,
  totalBytes: 10_000_000,
  types: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
};

/**
 * Claude's API: "input_schema does not support oneOf, allOf, or anyOf at the top level" (makenotion/notion-mcp-server#341,
 * modelcontextprotocol/python-sdk#494); "JSON schema is invalid. It must match JSON Schema draft 2020-12"
 * (kintone/mcp-server#553, Dokploy/mcp#74); "Property keys should match pattern" (freee/freee-mcp#15, twilio-labs/mcp#56).
 */
const CLAUDE_SCHEMA: SchemaRules = { flatRoot: true, inlineRefs: true, draft202012: true };

const ROWS: readonly Row[] = [
  {
    name: 'claude-code',
    info: /^claude-code\b/i,
    // Anthropic API, with `mcp__<connection>__` in front (anthropics/claude-code#16425).
    toolNameMax: 64,
    toolNamePattern: NAME,
    // anthropics/claude-code#95504: such tools disappear without a word; #76881: "can't resolve reference #/$defs/…".
    schema: CLAUDE_SCHEMA,
    // More than 25,000 tokens goes to a file that the model can search (anthropics/claude-code#45766), which is better
    // than a cut; users may set the limit themselves (claude.com/docs/connectors/building).
    image: CLAUDE_IMAGES,
  },
  {
    name: 'claude',
    // claude.ai says Anthropic/ClaudeAI, Anthropic/Toolbox or Anthropic (anthropics/claude-ai-mcp#792); Desktop claude-ai.
    info: /^(claude-ai|anthropic)\b/i,
    hosts: ['claude.ai', 'claude.com', 'anthropic.com'],
    // evoila/meho#2745, barryw/ImmichMCP#3: one other name hides the whole connector.
    toolNameMax: 64,
    toolNamePattern: NAME,
    // Desktop cuts `$defs` off (PrefectHQ/fastmcp#2861).
    schema: CLAUDE_SCHEMA,
    // claude.com/docs/connectors/building, "Technical specifications": about 150,000 characters.
    resultCharacters: 145_000,
    // Desktop refuses results over 1,048,576 characters, images included (PrefectHQ/fastmcp#1036, CursorTouch/Windows-MCP#155).
    image: { ...CLAUDE_IMAGES, bytes: 600_000, totalBytes: 600_000 },
  },
  {
    name: 'chatgpt',
    info: /^(openai-mcp|chatgpt)\b/i,
    hosts: ['chatgpt.com', 'openai.com'],
    // Function names of OpenAI's API (openai/codex#8174).
    toolNameMax: 64,
    toolNamePattern: NAME,
    // "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level"
    // (langchain-ai/langchainjs#9804), "array schema missing items" (apify/apify-mcp-server#36, docker/mcp-gateway#275).
    schema: { flatRoot: true, arrayItems: true },
  },
  {
    name: 'codex',
    info: /^codex\b/i,
    toolNameMax: 64,
    toolNamePattern: NAME,
    // Dicklesworthstone/flywheel_connectors#49; openai/codex#42283: properties beside a root oneOf are lost.
    schema: { flatRoot: true, arrayItems: true },
    // It cuts the middle out of what is over about 10,000 tokens (openai/codex#14466, #5913): three characters each.
    resultCharacters: 30_000,
  },
  {
    name: 'cursor',
    info: /^cursor\b/i,
    // Server's and tool's name together 60, longer ones are left out (awslabs/mcp#1283): eight for the server's.
    toolNameMax: 52,
    toolNamePattern: NAME,
    // "can't resolve reference #/$defs/…" (davideast/stitch-mcp#184).
    schema: { inlineRefs: true },
  },
  {
    name: 'vscode',
    info: /^visual[ -]studio[ -]code\b/i,
    // microsoft/vscode#243602.
    toolNameMax: 64,
    toolNamePattern: NAME,
    // "tool parameters array type must have items" (microsoft/vscode#246119); `$defs` are cut off (PrefectHQ/fastmcp#2861).
    schema: { inlineRefs: true, arrayItems: true },
  },
  {
    name: 'gemini-cli',
    info: /^gemini-cli\b/i,
    toolNameMax: 64,
    toolNamePattern: NAME,
    // google-gemini/gemini-cli#13142 and #13326 (`$defs`), danny-avila/LibreChat#13850 (keywords, each tried at Google's
    // endpoints), github/copilot-cli#4623 (lists of types, boolean schemas), backstage/backstage#34038 (`items`).
    schema: { inlineRefs: true, noNewKeywords: true, plainTypes: true, arrayItems: true },
  },
  {
    name: 'opencode',
    info: /^opencode\b/i,
    toolNameMax: 64,
    toolNamePattern: NAME,
    // davideast/stitch-mcp#184 (`$defs`); anomalyco/opencode#35516 and #12295: it passes schemas on to Anthropic and Google.
    schema: CLAUDE_SCHEMA,
  },
];

/** For tests: what is said of every known client. */
export const CLIENT_PROFILES: readonly ClientProfile[] = ROWS;

/**
 * The profile of a client, or undefined for one that is not known. By what it calls itself first: programs of one vendor
 * share the host of their client ids.
 */
export function profileOf(client: ProfiledClient): ClientProfile | undefined {
  const known = found.get(client);
  if (known !== undefined) return known ?? undefined;
  const profile = searched(client);
  found.set(client, profile ?? null);
  return profile;
}

interface ProfiledClient {
  readonly id: string;
  readonly info?: Readonly<Record<string, unknown>>;
}

/** What was found, null for nothing: one client's words come with each of its calls. */
const found = new WeakMap<ProfiledClient, ClientProfile | null>();

function searched(client: ProfiledClient): ClientProfile | undefined {
  const name = client.info?.name;
  const byName = typeof name === 'string' ? ROWS.find(({ info }) => info.test(name)) : undefined;
  if (byName !== undefined) return byName;
  const host = hostOf(client.id);
  if (host === undefined) return undefined;
  return ROWS.find(({ hosts }) => hosts?.some((known) => host === known || host.endsWith(`.${known}`)));
}

function hostOf(id: string): string | undefined {
  return /^https:\/\/([a-z0-9.-]+)(?::\d+)?(?:\/|$)/i.exec(id)?.[1]?.toLowerCase();
}
