#!/usr/bin/env node
// What the programs under test open as the person's browser ($BROWSER): signs in through the relay's own pages, says yes,
// and brings the code back to the program. One line about it goes to $BROWSER_LOG, since nobody sees its output.
import { appendFile } from 'node:fs/promises';
import { signIn } from './sign-in.mjs';

const { BROWSER_LOG = '', BROWSER_ACCOUNT = '{}' } = process.env;
try {
  const address = new URL(process.argv[2] ?? '');
  const redirect = new URL(address.searchParams.get('redirect_uri') ?? '');
  const stop = (at) => at.origin === redirect.origin && at.pathname === redirect.pathname;
  const { status } = await fetch(await signIn(address, JSON.parse(BROWSER_ACCOUNT), stop));
  await appendFile(BROWSER_LOG, `${status} ${address.searchParams.get('client_id')}\n`);
} catch (error) {
  await appendFile(BROWSER_LOG, `${error instanceof Error ? error.stack : error}\n`);
}
