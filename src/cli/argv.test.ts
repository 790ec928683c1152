import { expect, it } from 'vitest';
import { withCommand } from './argv.js';

it.each([
  ['', 'start'],
  ['--config x.json', 'start --config x.json'],
  ['-c x.json --log-level debug', 'start -c x.json --log-level debug'],
  ['--config=x.json', 'start --config=x.json'],
  ['relay', 'relay'],
  ['relay --config x.json', 'relay --config x.json'],
  ['--config x.json relay --log-format json', 'relay --config x.json --log-format json'],
  ['--config relay', 'start --config relay'],
  ['--stdio', 'start --stdio'],
  ['statu --json', 'start statu --json'],
  ['--json statu', 'start --json statu'],
  ['-h', '--help'],
  ['--help', '--help'],
  ['--config x --help', '--help'],
  ['agent -h', 'agent --help'],
  ['--help agent', 'agent --help'],
  ['help', '--help'],
  ['help agent', 'agent --help'],
  ['--version', '--version'],
  ['agent -- --help', 'agent -- --help'],
  ['-- relay', 'start -- relay'],
])('%j runs %j', (given, expected) => {
  expect(withCommand(given.split(' ').filter((word) => word !== ''))).toEqual(expected.split(' '));
});
