import { describe, expect, it } from 'vitest';
import type { CallClient } from '../../../protocol/call-messages.js';
import type { JsonRpcError } from '../../servers/types.js';
import { translateError } from './translate-error.js';

const MODERN: CallClient = {
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'c',
  session: 'c',
  capabilities: { elicitation: {} },
  ask: 'mrtr',
};
const LEGACY: CallClient = { ...MODERN, era: 'legacy', protocolVersion: '2025-11-25', ask: 'push' };

function told(client: CallClient, era: 'legacy' | 'modern', error: JsonRpcError, method = 'tools/call') {
  const head = { server: 's', method, client };
  const { kind, json } = translateError(head, Buffer.from('{"uri":"file:///x"}'), error, { era });
  return { kind, ...JSON.parse(json.toString('utf8')) };
}

describe('translateError', () => {
  it('tells modern clients of a missing resource as their revision has it', () => {
    const error = { code: -32002, message: 'no', data: { more: 1 } };
    expect(told(MODERN, 'legacy', error, 'resources/read')).toEqual({
      kind: 'error',
      code: -32602,
      message: 'no',
      data: { uri: 'file:///x', more: 1 },
    });
    expect(told(LEGACY, 'legacy', error, 'resources/read')).toMatchObject({ code: -32002 });
  });

  it('tells legacy clients of a missing resource of a modern server as they know it', () => {
    const error = { code: -32602, message: 'no', data: { uri: 'file:///x' } };
    expect(told(LEGACY, 'modern', error, 'resources/read')).toMatchObject({ code: -32002 });
    expect(told(LEGACY, 'modern', { ...error, data: {} }, 'resources/read')).toMatchObject({ code: -32602 });
    expect(told(MODERN, 'modern', error, 'resources/read')).toMatchObject({ code: -32602 });
  });

  it('tells a modern client of a capability that it lacks, and not of one that it has', () => {
    const missing = (requiredCapabilities: object) => ({
      code: -32021,
      message: 'needs',
      data: { requiredCapabilities },
    });
    expect(told(MODERN, 'modern', missing({ sampling: {} }))).toMatchObject({ kind: 'error', code: -32021 });
    expect(told(MODERN, 'modern', missing({ elicitation: { url: {} } }))).toMatchObject({ code: -32021 });
    expect(told(MODERN, 'modern', missing({ elicitation: {} }))).toMatchObject({ kind: 'result', isError: true });
    expect(told(MODERN, 'modern', missing({ elicitation: {} }), 'prompts/get')).toMatchObject({ code: -32603 });
  });

  it('names the capability to legacy clients', () => {
    const requiredCapabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
    const error = { code: -32021, message: 'needs', data: { requiredCapabilities } };
    const { content, isError } = told(LEGACY, 'modern', error);
    expect(isError).toBe(true);
    expect(content[0].text).toContain('io.modelcontextprotocol/tasks');
    expect(told(LEGACY, 'modern', error, 'prompts/get')).toMatchObject({ kind: 'error', code: -32603 });
  });

  it('lets no code of another era out of it', () => {
    for (const code of [-32020, -32022, -32042, -32050, -32099]) {
      expect(told(MODERN, 'modern', { code, message: 'x' }, 'prompts/get')).toMatchObject({ code: -32603 });
      expect(told(MODERN, 'legacy', { code, message: 'x' }, 'prompts/get')).toMatchObject({ code: -32603 });
      expect(told(LEGACY, 'modern', { code, message: 'x' }, 'prompts/get')).toMatchObject({ code: -32603 });
    }
    for (const code of [-32000, -32019, -32100, -32601, 42]) {
      expect(told(MODERN, 'legacy', { code, message: 'x' })).toEqual({ kind: 'error', code, message: 'x' });
      expect(told(LEGACY, 'legacy', { code, message: 'x' })).toEqual({ kind: 'error', code, message: 'x' });
    }
  });
});
