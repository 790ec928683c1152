import { Module } from '@nestjs/common';
import { DEVICES } from '../tokens.js';
import { DeviceRegistry } from './device-registry.js';

@Module({
  providers: [DeviceRegistry, { provide: DEVICES, useExisting: DeviceRegistry }],
  exports: [DeviceRegistry, DEVICES],
})
export class DevicesModule {}
