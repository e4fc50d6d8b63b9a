import { WriteBehind } from '../drivers/behind.js'
import type { Driver, DriverFactory } from '../drivers/driver.js'
import type { Engine } from './engine.js'
import { asStowageError, wordsOf } from '../errors.js'
import type { Instance } from './instance.js'
import { isHosted, type Modifier } from '../modifier/modifier.js'
import { compile, type WasmSource } from './module.js'
import { part } from '../parts.js'
import { page, type Platform } from './platform.js'
import type { Sealing } from '../sealing.js'
import type { Host } from '../environment/session.js'
import { LocalEngine } from './task.js'
import type { Waits } from './waits.js'

/** Starts engines in this context. The driver, and with it the lock, and the keys outlive them. */
export class LocalHost implements Host {
  private driver: Driver | undefined
  private sealing: Sealing | undefined

  constructor(
    private readonly name: string,
    private readonly factory: DriverFactory,
    private readonly wasm: WasmSource,
    private readonly cacheBytes: number,
    private readonly modifiers: readonly Modifier[],
    private readonly platform: Platform = page,
  ) {}

  get waits(): Waits {
    return this.platform.waits
  }

  async start(published: () => void): Promise<Engine> {
    const booting = this.boot()
    booting.catch(() => {}) // awaited below, once the driver is there
    const hosted = this.modifiers.filter(isHosted)
    if (hosted.length > 0) this.sealing ??= await (await part('sealing')).Sealing.begin(hosted)
    this.driver ??= await this.openDriver()
    const { waits } = this.platform
    const instance = await booting
    // Who writes behind has others wait for what it has begun.
    const driver = waits.lives === undefined ? new WriteBehind(this.driver, published) : this.driver
    return new LocalEngine(instance, driver, this.sealing, waits)
  }

  sibling(name: string, driver = this.factory, modifiers = this.modifiers): Host {
    return new LocalHost(name, driver, this.wasm, this.cacheBytes, modifiers, this.platform)
  }

  async release(): Promise<void> {
    const { driver } = this
    this.sealing?.forget()
    this.sealing = undefined
    this.driver = undefined
    try {
      await driver?.close()
    } catch (error) {
      throw asStowageError(error, 'backend_failed', `the driver could not be closed: ${wordsOf(error)}`)
    }
  }

  private async openDriver(): Promise<Driver> {
    try {
      return await this.factory.open(this.name)
    } catch (error) {
      throw asStowageError(error, 'backend_failed', `the driver could not open "${this.name}"`)
    }
  }

  private async boot(): Promise<Instance> {
    const module = await compile(this.wasm)
    try {
      return await this.platform.boot(module, this.cacheBytes + this.platform.workingBytes)
    } catch (error) {
      throw asStowageError(error, 'unsupported', 'the engine could not be started: the module is another one, or there is no memory for it')
    }
  }
}
