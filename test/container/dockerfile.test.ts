import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { execForm, lintDockerfile, parseDockerfile } from './dockerfile.js';

const root = resolve(import.meta.dirname, '../..');
const text = await readFile(join(root, 'Dockerfile'), 'utf8');

/** Findings after one edit of ours. */
function lintWith(search: string | RegExp, replacement: string): string[] {
  expect(text).toMatch(search);
  return lintDockerfile(parseDockerfile(text.replace(search, replacement)));
}

describe('Dockerfile', () => {
  test('has no findings', () => {
    expect(lintDockerfile(parseDockerfile(text))).toEqual([]);
  });

  test.each([
    ['a floating tag', /node:22-bookworm-slim\nLABEL/, 'node:latest\nLABEL', 'node:latest has no fixed tag'],
    ['no tag', /node:22-bookworm-slim\nLABEL/, 'node\nLABEL', 'node has no fixed tag'],
    [
      'ADD',
      'COPY . .',
      'ADD https://example.com/x /x',
      'ADD https://example.com/x /x: COPY takes no URLs and unpacks nothing',
    ],
    ['root', 'USER 1000:1000', 'USER root', 'USER root: a number that is not 0, so that runAsNonRoot can check it'],
    ['no user', 'USER 1000:1000\n', '', '0 USER in the last stage'],
    ['no health check', /HEALTHCHECK.*\n.*\n/, '', '0 HEALTHCHECK in the last stage'],
    ['sources first', 'COPY package.json package-lock.json .npmrc ./', 'COPY . .', 'sources are copied before npm ci'],
    [
      'a shell',
      'ENTRYPOINT ["mcp-local-tunnel"]',
      'ENTRYPOINT mcp-local-tunnel',
      'ENTRYPOINT in shell form: signals would stop at the shell',
    ],
    ['a late RUN', 'EXPOSE 3000', 'EXPOSE 3000\nRUN touch /data/x', 'RUN after VOLUME: what it writes there is lost'],
    ['a secret', 'ENV NODE_ENV=production', 'ENV NPM_TOKEN=x', 'ENV holds a secret'],
  ])('the lint sees %s', (_, search, replacement, finding) => {
    expect(lintWith(search, replacement)).toContain(finding);
  });

  test('ends in the bare command, which runs what the config says', () => {
    const last = parseDockerfile(text).at(-1);
    const entrypoint = last?.steps.find(({ keyword }) => keyword === 'ENTRYPOINT');
    expect(execForm(entrypoint?.args ?? '')).toEqual(['mcp-local-tunnel']);
    expect(last?.steps.map(({ keyword }) => keyword)).not.toContain('CMD');
  });

  test('the base image has a Node the package accepts', async () => {
    const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const majors = parseDockerfile(text).map(({ image }) => Number(/^node:(\d+)/.exec(image)?.[1]));
    expect(engines.node).toBe('>=20.19');
    expect(majors.every((major) => major >= 22)).toBe(true);
  });

  test('.dockerignore lets through every file the build stage copies by name', async () => {
    const ignore = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n');
    const copied = parseDockerfile(text)
      .flatMap(({ steps }) => steps)
      .filter(({ keyword, flags, args }) => keyword === 'COPY' && !flags.from && !args.startsWith('. '))
      .flatMap(({ args }) => args.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((file) => !ignore.includes(`!${file}`))).toEqual([]);
    expect(ignore).toContain('*');
  });
});
