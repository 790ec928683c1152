import { Deferred } from './deferred.js';

/** Open or shut; while it is shut, `passage` resolves once it is open again. */
export class Gate {
  #shut: Deferred<void> | undefined;

  get passage(): Promise<void> | undefined {
    return this.#shut?.promise;
  }

  shut(): void {
    this.#shut ??= new Deferred();
  }

  open(): void {
    this.#shut?.resolve();
    this.#shut = undefined;
  }
}
