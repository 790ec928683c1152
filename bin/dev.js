#!/usr/bin/env node
// The same with stack traces and without the manifest: run `npx tsc -w -p tsconfig.build.json` beside it.
import { execute, settings } from '@oclif/core';
import { withCommand } from '../dist/cli/argv.js';

settings.debug = true;
await execute({ args: withCommand(process.argv.slice(2)), dir: import.meta.url });
