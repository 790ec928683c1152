import type { DeviceView } from '../devices/types.js';

const EVERY_DEVICE = `These tools belong to MCP servers on the user's own machines and reach them through mcp-local-tunnel.
A tool is named <server>__<tool> while one device is connected and <device>__<server>__<tool> when several are; either form works whenever it is unambiguous. Prompts are named the same way, and the URI of a resource begins with <device>.<server>+.
\`status\` shows the devices, their servers and what is wrong; \`restart\` restarts servers that have failed.`;

const ONE_DEVICE = `These tools belong to MCP servers on one of the user's own machines and reach it through mcp-local-tunnel.
A tool is named <server>__<tool>. Prompts are named the same way, and the URI of a resource begins with <device>.<server>+.
\`status\` shows the device, its servers and what is wrong; \`restart\` restarts servers that have failed.`;

const SERVERS = 'What follows was written by those servers about themselves:';

const MAX_SERVER_BYTES = 1024;
const MAX_TOTAL_BYTES = 16 * 1024;

/**
 * The `instructions` of /mcp and /mcp/<device>: how names work, then each ready server's own, quoted line by line under its name so that
 * none can speak for another. In order of device and server; sections that do not fit are left out.
 */
export function instructionsFor(devices: readonly DeviceView[], kind: 'aggregate' | 'device'): string {
  const preamble = kind === 'device' ? ONE_DEVICE : EVERY_DEVICE;
  const sections: string[] = [];
  let bytes = 0;
  for (const device of byName(devices)) {
    for (const server of byName(device.servers)) {
      const words = server.instructions?.trim();
      if (words === undefined || words === '') continue;
      const section = `## ${device.name}/${server.name}\n${quoted(words)}`;
      bytes += Buffer.byteLength(section);
      if (bytes <= MAX_TOTAL_BYTES) sections.push(section);
    }
  }
  return sections.length === 0 ? preamble : [preamble, SERVERS, ...sections].join('\n\n');
}

function byName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function quoted(text: string): string {
  return cut(text)
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => `> ${line}`)
    .join('\n');
}

/** At most MAX_SERVER_BYTES of UTF-8, never half a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_SERVER_BYTES) return text;
  const head = new TextDecoder('utf-8').decode(bytes.subarray(0, MAX_SERVER_BYTES), { stream: true });
  return `${head}…`;
}
