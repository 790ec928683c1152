import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { BearerGuard } from './auth/bearer.guard.js';
import { AuthorizationServer } from './auth/server/authorization-server.js';
import { mountAuthorizationServer } from './auth/server/mount.js';
import type { BoundExpressAdapter } from './bound-express.adapter.js';
import { CallRoute } from './call-route.js';
import type { Core } from './core.module.js';
import { HostRule } from './host-rule.js';
import type { FrontHandlers } from './http-front.js';
import { McpController } from './mcp/mcp.controller.js';
import { NestLogger } from './nest-logger.js';
import { Refusals } from './refusals.js';
import { RelayModule } from './relay.module.js';
import { securityHeaders } from './security-headers.js';
import { Admission } from './tunnel/admission.js';
import { refuse, TunnelAdapter } from './tunnel/tunnel-adapter.js';
import { UpgradeRefused } from './tunnel/upgrade-refused.js';

/** Probes come from inside, by address. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** What pages of any origin may read or use; no cookie counts there (RFC 9728 §3.1, RFC 8414 §3, RFC 7591). */
const OPEN = /^\/(?:\.well-known\/|mcp(?:\/.*)?\/\.well-known\/|(?:register|token|revoke|jwks)$)/;

export interface RelayApp {
  readonly nest: NestExpressApplication;
  readonly handlers: FrontHandlers;
}

/** Builds the Nest application over a bound server; it serves once its handlers are given to the front. */
export async function createRelayApp(core: Core, adapter: BoundExpressAdapter): Promise<RelayApp> {
  const hosts = new HostRule(core.publicUrl, adapter.trust);
  const express = adapter.getInstance();
  express.use((req: Request, res: Response, next: NextFunction) => {
    const problem = PROBES.has(req.path) ? undefined : hosts.problem(req, OPEN.test(req.path));
    if (problem === undefined) next();
    else res.status(problem.status).json({ error: problem.error, error_description: problem.message });
  });
  const headers = securityHeaders(core.publicUrl);
  express.use((_req: Request, res: Response, next: NextFunction) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  });
  const nest = await NestFactory.create<NestExpressApplication>(await RelayModule.of(core), adapter, {
    abortOnError: false,
    bodyParser: false,
    logger: new NestLogger(core.logger.child('nest')),
  });
  try {
    return { nest, handlers: await started(nest, core, hosts, headers) };
  } catch (error) {
    await nest.close();
    throw error;
  }
}

async function started(
  nest: NestExpressApplication,
  core: Core,
  hosts: HostRule,
  headers: ReadonlyMap<string, string>,
): Promise<FrontHandlers> {
  const express = nest.getHttpAdapter().getInstance();
  mountAuthorizationServer(express, nest.get(AuthorizationServer));
  const tunnel = new TunnelAdapter(nest, nest.get(Admission), core.logger.child('tunnel'));
  nest.useWebSocketAdapter(tunnel);
  await nest.init();
  const upgrade: FrontHandlers['upgrade'] = async (req, socket, head) => {
    const problem = hosts.problem(req);
    if (problem === undefined) await tunnel.upgrade(req, socket, head);
    else refuse(socket, new UpgradeRefused(problem.status, problem.error, problem.message));
  };
  const [guard, controller] = [nest.get(BearerGuard), nest.get(McpController, { strict: false })];
  const refusals = new Refusals(core.config.limits.refusalsPerConnection);
  const calls = new CallRoute({ hosts, guard, controller, headers, refusals });
  const request: FrontHandlers['request'] = (req, res) => {
    if (refusals.ended(req) || calls.take(req, res)) return;
    refusals.follow(req, res);
    express(req, res);
  };
  return { request, upgrade };
}
