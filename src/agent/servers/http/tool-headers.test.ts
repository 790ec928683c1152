import { Buffer } from 'node:buffer';
import { expect, it } from 'vitest';
import { loggerTo } from '../../../../test/helpers/logger.js';
import { ToolHeaders } from './tool-headers.js';

const inputSchema = { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } };
const params = (name: string) => Buffer.from(JSON.stringify({ name, arguments: { city: 'Graz' } }));

it('forgets the tools that were listed longest ago, where a server has ever new ones', () => {
  const headers = new ToolHeaders(loggerTo());
  const tool = (name: string) => ({ name, inputSchema });
  headers.learn({ tools: [tool('old'), tool('again')] });
  for (let n = 0; n < 19_998; n += 1) headers.learn({ tools: [tool(`new${n}`)] });
  expect(headers.of('tools/call', params('old'))).toHaveProperty('Mcp-Param-City');
  headers.learn({ tools: [tool('again'), tool('last')] });
  expect(headers.of('tools/call', params('old'))).toEqual({ 'Mcp-Name': 'old' });
  expect(headers.of('tools/call', params('again'))).toHaveProperty('Mcp-Param-City');
});
