import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { FrontResponse } from './front-response.js';

/** The head of what `answer` responds with, as it is on the wire, but for the date. */
async function headOf(answer: (res: FrontResponse) => void): Promise<Record<string, string>> {
  const server = createServer({ ServerResponse: FrontResponse }, (_req: IncomingMessage, res: FrontResponse) => {
    res.fix(['x-one', '1', 'Vary', 'Accept']);
    answer(res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await response.arrayBuffer();
  const left = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await left;
  const { date, connection, 'keep-alive': kept, ...rest } = Object.fromEntries(response.headers);
  return { status: `${response.status} ${response.statusText}`, ...rest };
}

const fixed = { 'x-one': '1', vary: 'Accept' };

test.each<[string, (res: FrontResponse) => void, Record<string, string>]>([
  [
    'with the head written',
    (res) => res.writeHead(201, { 'Content-Length': 2, 'X-Own': 'a' }).end('ok'),
    { status: '201 Created', ...fixed, 'content-length': '2', 'x-own': 'a' },
  ],
  [
    'with several values of one name',
    (res) => res.writeHead(200, { 'X-Own': ['a', 'b'] }).end(),
    { status: '200 OK', ...fixed, 'x-own': 'a, b', 'transfer-encoding': 'chunked' },
  ],
  [
    'beside headers set before, of which one has the place of a fixed one',
    (res) => {
      res.setHeader('X-Set', 's');
      res.setHeader('vary', 'Origin');
      res.writeHead(403, { 'Content-Length': 0 }).end();
    },
    { status: '403 Forbidden', 'x-one': '1', vary: 'Origin', 'x-set': 's', 'content-length': '0' },
  ],
  [
    'with a reason',
    (res) => res.writeHead(200, 'Fine', { 'Content-Length': 0 }).end(),
    { status: '200 Fine', ...fixed, 'content-length': '0' },
  ],
  ['without headers', (res) => res.writeHead(204).end(), { status: '204 No Content', ...fixed }],
  ['where no head is written', (res) => res.end('ok'), { status: '200 OK', ...fixed, 'content-length': '2' }],
])('the same headers on a response %s', async (_name, answer, head) => {
  expect(await headOf(answer)).toEqual(head);
});
