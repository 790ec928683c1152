import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from './auth/auth.module.js';
import { type Core, CoreModule } from './core.module.js';
import { DevicesModule } from './devices/devices.module.js';
import { HealthController } from './health.controller.js';
import { McpModule } from './mcp/mcp.module.js';
import { relaySecret } from './store/secret.js';
import { TunnelModule } from './tunnel/tunnel.module.js';
import { Pages } from './web/pages/pages.js';
import { WebModule } from './web/web.module.js';

/** The whole relay. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's form of a module with parameters
export class RelayModule {
  /** @throws StoreError when the relay's secret cannot be read or kept */
  static async of(core: Core): Promise<DynamicModule> {
    const secret = await relaySecret(core.config);
    // Its own, since the authorization server is made before the pages.
    const pages = new Pages(core.publicUrl);
    return {
      module: RelayModule,
      imports: [
        CoreModule.of(core),
        AuthModule.register({
          ...core,
          renderErrorPage: (title, lines) => pages.render('error', title, { title, lines }),
          renderDevicePage: (view) => pages.render('device', 'Connect a machine', view),
        }),
        DevicesModule,
        TunnelModule,
        McpModule,
        WebModule.of({ secret }, []),
      ],
      controllers: [HealthController],
    };
  }
}
