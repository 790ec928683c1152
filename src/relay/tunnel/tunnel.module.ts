import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { Admission } from './admission.js';
import { LinkPace } from './link-pace.js';
import { LinkProbeController } from './link-probe.controller.js';
import { TunnelGateway } from './tunnel.gateway.js';

/** Where agents come in. Needs CoreModule, and the global AuthModule's TokenVerifier. */
@Module({
  imports: [DevicesModule],
  controllers: [LinkProbeController],
  providers: [TunnelGateway, LinkPace, Admission],
  exports: [TunnelGateway, Admission],
})
export class TunnelModule {}
