import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { COLLECTOR_FLAGS } from './collector.js';

it.each(Object.entries(COLLECTOR_FLAGS))('this Node knows every flag of the %s', (_, flags) => {
  expect(execFileSync(process.execPath, [...flags, '--print', '"known"'], { encoding: 'utf8' })).toBe('known\n');
});
