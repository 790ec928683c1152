import { Controller, Get, Header, HttpException, Req } from '@nestjs/common';
import type { Request } from 'express';
import { Resources } from './resources.js';

const BASE = '/.well-known/oauth-protected-resource';

/** Protected resource metadata (RFC 9728): one document per endpoint, for any well-formed path, so that none shows what exists. */
@Controller(BASE)
export class ResourceMetadataController {
  constructor(private readonly resources: Resources) {}

  @Get(['', 'ws', 'mcp', 'mcp/:device', 'mcp/:device/:server'])
  @Header('Cache-Control', 'public, max-age=3600')
  document(@Req() req: Request): object {
    const path = req.path.slice(BASE.length);
    const resource = path === '' || path === '/' ? this.resources.mcp : this.resources.at(path);
    if (resource === undefined) throw new HttpException({ error: 'not_found' }, 404);
    return {
      resource: resource.uri,
      authorization_servers: [this.resources.issuer],
      scopes_supported: [resource.scope],
      bearer_methods_supported: ['header'],
      resource_name: resource.scope === 'mcp' ? 'MCP relay' : 'MCP relay, agent link',
    };
  }
}
