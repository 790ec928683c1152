import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadRequestException, Body, Controller, Get, Inject, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import { hash, verify } from '@node-rs/argon2';
import { IsInt, validateSync } from 'class-validator';
import { ClassicLevel } from 'classic-level';
import { Eta } from 'eta';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import Provider from 'oidc-provider';
import { Strategy } from 'openid-client/passport';
import passport from 'passport';
import { pino } from 'pino';
import { WebSocket } from 'ws';

class Inner {
  @IsInt() count: number;
}

@Injectable()
class Clock {
  now(): string {
    return 'tick';
  }
}

@Controller()
class Probe {
  // By type alone: `undefined` when the bundle has lost the metadata.
  constructor(
    private readonly clock: Clock,
    @Inject('TOKEN') private readonly token: string,
  ) {}

  @Get('probe') probe(): string {
    return `${this.clock.now()} ${this.token}`;
  }

  @Post('payload') payload(@Body() body: { inner: unknown }): string {
    const inner = Object.assign(new Inner(), body.inner);
    const wrong = validateSync(inner).flatMap(({ constraints }) => Object.values(constraints ?? {}));
    if (wrong.length > 0) throw new BadRequestException(wrong);
    return inner.constructor.name;
  }
}

@WebSocketGateway({ path: '/ws' })
class Gateway implements OnGatewayConnection {
  handleConnection(socket: WebSocket): void {
    socket.send('hello');
  }
}

@Module({ controllers: [Probe], providers: [Clock, Gateway, { provide: 'TOKEN', useValue: 'token' }] })
class Root {}

export async function start(): Promise<Record<string, unknown>> {
  const app = await NestFactory.create<NestExpressApplication>(Root, new ExpressAdapter(), { logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  app.use(helmet(), passport.initialize(), rateLimit({ limit: 1000 }));
  const provider = new Provider('http://localhost:3000', { clients: [] });
  app.use('/op', provider.callback());
  await app.listen(0, '127.0.0.1');
  const base = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const post = (inner: unknown) =>
    fetch(`${base}/payload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inner }),
    });
  const good = await post({ count: 1 });
  const bad = await post({ count: 'x' });
  const refusal: unknown = await bad.json();
  const seen: Record<string, unknown> = {
    probe: await (await fetch(`${base}/probe`)).text(),
    good: [good.status, await good.text()],
    bad: [bad.status, refusal],
    metadata: (await fetch(`${base}/op/.well-known/openid-configuration`)).status,
    strategy: typeof Strategy,
    greeting: await new Promise((resolve) => {
      const socket = new WebSocket(`${base.replace('http', 'ws')}/ws`);
      socket.on('message', (data) => resolve(String(data)));
    }),
  };
  await app.close();

  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  const db = new ClassicLevel(folder);
  await db.put('key', 'value', { sync: true });
  seen.level = await db.get('key');
  await db.close();
  await rm(folder, { recursive: true });
  seen.argon2 = await verify(await hash('secret'), 'secret');
  const views = new Eta({ views: join(import.meta.dirname, 'views'), autoEscape: true });
  seen.eta = views.render('./page', { name: '<b>' });
  seen.manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')).name;
  seen.sha = createHash('sha256').update('x').digest('hex').slice(0, 4);
  pino({ level: 'silent' }).info('nothing');
  return seen;
}
