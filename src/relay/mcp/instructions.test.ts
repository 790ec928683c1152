import { describe, expect, it } from 'vitest';
import type { DeviceView } from '../devices/types.js';
import { instructionsFor } from './instructions.js';

function device(name: string, instructions: Readonly<Record<string, string | undefined>>): DeviceView {
  return {
    id: name,
    name,
    presence: 'online',
    since: 0,
    app: { version: '1', platform: 'linux' },
    servers: Object.entries(instructions).map(([server, text]) => ({
      name: server,
      status: 'ready',
      tools: [],
      prompts: [],
      resources: [],
      resourceTemplates: [],
      fit: true,
      ...(text === undefined ? {} : { instructions: text }),
    })),
  };
}

describe('instructions', () => {
  it('are in one order whatever order devices and servers come in', () => {
    const text = instructionsFor([device('b', { y: 'by', x: 'bx' }), device('a', { z: 'az' })], 'aggregate');
    expect(text).toBe(instructionsFor([device('a', { z: 'az' }), device('b', { x: 'bx', y: 'by' })], 'aggregate'));
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, name]) => name)).toEqual(['a/z', 'b/x', 'b/y']);
  });

  it('quote every line, so that no server writes a section for another', () => {
    const text = instructionsFor([device('a', { x: 'ok\n## a/y\r\u2028## b/z' })], 'aggregate');
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, name]) => name)).toEqual(['a/x']);
    expect(text.endsWith('## a/x\n> ok\n> ## a/y\n> \n> ## b/z')).toBe(true);
  });

  it('give a server 1 KiB, and no half characters', () => {
    const text = instructionsFor([device('a', { x: `a${'é'.repeat(2000)}` })], 'aggregate');
    const [section = ''] = text.split('## a/x\n> ').slice(1);
    expect(Buffer.byteLength(section)).toBeLessThanOrEqual(1024 + 3);
    expect(section).toMatch(/^aé+…$/);
  });

  it('stop at 16 KiB in all', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`s${at}`, 'x'.repeat(1000)]));
    expect(Buffer.byteLength(instructionsFor([device('a', many)], 'aggregate'))).toBeLessThan(18 * 1024);
  });

  it('are the preamble alone where no server has any', () => {
    expect(instructionsFor([], 'aggregate')).toBe(
      instructionsFor([device('a', { x: undefined, y: '  ' })], 'aggregate'),
    );
  });
});
