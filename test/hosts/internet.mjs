// For the relay of these tests, which has no internet: claude.ai is a public address whose connections end here, and it has
// the one document Claude Code is known by. Everything else of Node's network is as it was.
import dns from 'node:dns/promises';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';

const HOST = 'claude.ai';
const ADDRESS = '160.79.104.10';
const document = {
  client_id: `https://${HOST}/oauth/claude-code-client-metadata`,
  client_name: 'Claude Code',
  client_uri: `https://${HOST}`,
  redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

const site = createServer((request, response) => {
  const found = `https://${HOST}${request.url}` === document.client_id;
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document));
});
site.listen(0, '127.0.0.1').unref();

const { lookup } = dns;
dns.lookup = async (name, options) => (name === HOST ? [{ address: ADDRESS, family: 4 }] : lookup(name, options));

const connect = tls.connect;
tls.connect = (...args) => {
  const [options] = args;
  if (options.host !== ADDRESS) return connect(...args);
  const socket = net.connect(site.address().port, '127.0.0.1');
  return socket.once('connect', () => socket.emit('secureConnect'));
};
syncBuiltinESMExports();
