// The least a relay can be: HTTP in, one WebSocket out, JSON on both, no check of any kind. Not a thing to run anywhere.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const waiting = new Map();
let agent;
let calls = 0;

const http = createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => {
    const message = JSON.parse(Buffer.concat(parts).toString());
    calls += 1;
    agent.send(JSON.stringify({ call: calls, message }));
    if (message.id === undefined) res.writeHead(202).end();
    else waiting.set(calls, res);
  });
});

new WebSocketServer({ server: http, maxPayload: 256 * 1024 * 1024 }).on('connection', (socket) => {
  agent = socket;
  console.log('agent');
  socket.on('message', (data) => {
    const { call, message } = JSON.parse(data.toString());
    const res = waiting.get(call);
    waiting.delete(call);
    const text = JSON.stringify(message);
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
});
http.listen(Number(process.argv[2]), '127.0.0.1');
// In good order, so that a profile is written where one is asked for.
process.on('SIGTERM', () => process.exit());
