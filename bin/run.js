#!/usr/bin/env node
import { execute } from '@oclif/core';
import { withCommand } from '../dist/cli/argv.js';

await execute({ args: withCommand(process.argv.slice(2)), dir: import.meta.url });
