import { expect, test } from 'vitest';
import { AgentSection, ServerSection } from '../../src/config/agent-section.js';
import { checkSection, type Section } from '../../src/config/check.js';
import type { Problem } from '../../src/config/config-error.js';
import { AllowSection, AuthSection, RelaySection } from '../../src/config/relay-section.js';
import { rows } from './readme.js';

/** The keys of one object in the config, as the message about a key that is none of them tells. */
function keys(section: Section<object>): string[] {
  const problems: Problem[] = [];
  checkSection(section, { 'no such key': 1 }, '', problems);
  const told = problems.map(({ message }) => /or write one of (.*)$/.exec(message)?.[1]).find((list) => list);
  return told?.split(', ') ?? [];
}

const below = (path: string, section: Section<object>) => keys(section).map((key) => `${path}.${key}`);

test.each([
  ['Relay fields', [...keys(RelaySection), ...below('auth', AuthSection)], ['auth', 'limits']],
  ['Agent fields', [...keys(AgentSection), ...below('servers.<name>', ServerSection)], ['servers']],
])('README’s %s are the config’s', (heading, fields, parents) => {
  const stated = rows(heading).flatMap(({ names }) => names);
  const expected = fields.filter((field) => !parents.includes(field));
  expect(stated.filter((name) => !name.endsWith('.*')).sort()).toEqual(expected.sort());
});

test('README’s defaults are the config’s', () => {
  const stated = new Map(
    rows('Relay fields').flatMap(({ names, defaults }) => names.map((name) => [name, defaults] as const)),
  );
  const shown = (value: unknown) => `\`${JSON.stringify(value)}\``;
  const relay = new RelaySection();
  const auth = new AuthSection();
  expect(stated.get('port')).toBe(`${shown(relay.port).slice(0, -1)}\`, ${shown(relay.host)}`);
  expect(stated.get('trustProxy')).toBe(shown(relay.trustProxy));
  for (const key of ['clientId', 'scopes', 'userClaim'] as const)
    expect(stated.get(`auth.${key}`)).toBe(shown(auth[key]));
  const disabled = rows('Agent fields').find(({ names }) => names.includes('servers.<name>.disabled'));
  expect(disabled?.defaults).toBe(shown(new ServerSection().disabled));
});

test('README names what `auth.allow` may have', () => {
  const [allow] = rows('Relay fields').filter(({ names }) => names.includes('auth.allow'));
  expect(allow).toBeDefined();
  expect(keys(AllowSection).sort()).toEqual(['claims', 'domains', 'emails']);
});
