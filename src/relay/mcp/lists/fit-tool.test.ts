import { describe, expect, it } from 'vitest';
import { CLIENT_PROFILES, type ClientProfile, profileOf } from '../../../protocol/client-profiles.js';
import { fitTool } from './fit-tool.js';

const profile = (name: string): ClientProfile => {
  const found = profileOf({ id: '', info: { name } });
  if (found === undefined) throw new Error(`no profile of ${name}`);
  return found;
};
const text = { type: 'string' };

describe('a tool', () => {
  const tool = {
    name: 'a',
    title: 'A',
    inputSchema: { type: 'object', anyOf: [] },
    outputSchema: { type: 'object' },
    x: 1,
  };

  it('is as it was for a client that is not known', () => {
    expect(fitTool(tool, undefined)).toBe(tool);
  });

  it('always takes an object', () => {
    for (const known of CLIENT_PROFILES) {
      for (const inputSchema of [
        {},
        { type: ['object', 'null'] },
        { $ref: '#/nowhere' },
        undefined,
        true,
        { type: 'array' },
      ]) {
        expect(fitTool({ name: 'a', inputSchema }, known).inputSchema).toMatchObject({ type: 'object' });
      }
    }
  });

  it('promises no output where it may be cut', () => {
    expect(fitTool(tool, profile('claude-ai'))).toEqual({
      name: 'a',
      title: 'A',
      inputSchema: { type: 'object', properties: {} },
      x: 1,
    });
    expect(fitTool(tool, profile('cursor-vscode')).outputSchema).toEqual({ type: 'object' });
  });

  it('tells the model what its schema no longer says', () => {
    const inputSchema = {
      type: 'object',
      properties: { a: text, b: text },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    };
    expect(fitTool({ name: 'a', description: 'Does.', inputSchema }, profile('codex')).description).toBe(
      'Does.\n\nArguments, one of: (a) or (b).',
    );
  });

  it('leaves out arguments whose names it would refuse, and says so', () => {
    const properties = { ok: text, 'StartTime<': text, ['x'.repeat(65)]: text };
    const inputSchema = { type: 'object', properties, required: ['ok', 'StartTime<'] };
    const { description, inputSchema: schema } = fitTool({ name: 'a', inputSchema }, profile('claude-code'));
    expect(schema).toEqual({ type: 'object', properties: { ok: text }, required: ['ok'] });
    expect(description).toMatch(/^Arguments that this client cannot give: "StartTime<", "x{65}"\.$/);
    expect(fitTool({ name: 'a', inputSchema }, profile('cursor')).inputSchema).toEqual(inputSchema);
  });
});
