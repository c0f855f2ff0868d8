import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const IMAGE_SIZE = '512M'
const UNMOUNT_TIMEOUT_MS = 10_000
/**
 * Stops the processes, so that none replies without its disk, and shuts the file system down at once:
 * FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (Linux 4.10). Node has no ioctl.
 */
const CUT = `
  my ($path, $process) = @ARGV;
  open(my $folder, "<", $path) or die $!;
  my $flag = pack("L", 2);
  kill("STOP", $process) or die $!;
  ioctl($folder, 0x8004587d, $flag) or die $!;`

/** Returns why this machine cannot cut the power of a disk; `undefined` if it can. */
export async function whyNoPowerCut(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'mounting a file system needs root'
  if (!existsSync('/dev/loop-control')) return 'there is no loop device (/dev/loop-control)'
  try {
    await run('perl', ['-e', '1'])
    const disk = await PowerCutDisk.create({ ignoresSync: true })
    await disk.dispose()
    return undefined
  } catch (error) {
    return (error as Error).message.trim().replaceAll(/\s+/g, ' ')
  }
}

export interface DiskOptions {
  /** Whether the disk acknowledges `fsync` without writing: an overlay with the option `volatile`. */
  readonly ignoresSync?: boolean | undefined
}

/**
 * A file system of its own, ext4 on a loop device, whose power can be cut: what no `fsync` has put
 * on the device is gone then. The kernel writes it on its own only after minutes (`commit=300`).
 */
export class PowerCutDisk {
  readonly #root: string
  readonly #ignoresSync: boolean

  private constructor(root: string, { ignoresSync = false }: DiskOptions) {
    this.#root = root
    this.#ignoresSync = ignoresSync
  }

  /** Creates the file system and mounts it. */
  static async create(options: DiskOptions = {}): Promise<PowerCutDisk> {
    const root = await mkdtemp(join(tmpdir(), 'botshelf-disk-'))
    const disk = new PowerCutDisk(root, options)
    try {
      await run('truncate', ['--size', IMAGE_SIZE, disk.#image])
      await run('mkfs.ext4', ['-q', disk.#image])
      await mkdir(disk.#device)
      await mkdir(disk.#overlay)
      await disk.#mount()
      await mkdir(join(disk.#device, 'data'))
      await mkdir(join(disk.#device, 'work'))
      await run('sync', ['--file-system', disk.#device])
      await disk.#mountOverlay()
    } catch (error) {
      await disk.dispose()
      throw error
    }
    return disk
  }

  /** The folder for the data. */
  get folder(): string {
    return this.#ignoresSync ? this.#overlay : join(this.#device, 'data')
  }

  /**
   * Cuts the power: stops the processes, and no write reaches the device from then on.
   *
   * @param processId a process, or minus the id of a process group
   */
  async cut(processId: number): Promise<void> {
    await run('perl', ['-e', CUT, '--', this.#device, String(processId)])
  }

  /** Mounts the device again, as it is. Every process that used the folder must have ended. */
  async restore(): Promise<void> {
    await this.#unmount()
    await this.#mount()
    if (!this.#ignoresSync) return
    // Linux refuses an overlay that was `volatile` and was not unmounted cleanly.
    await rm(join(this.#device, 'work'), { recursive: true, force: true })
    await mkdir(join(this.#device, 'work'))
    await this.#mountOverlay()
  }

  async dispose(): Promise<void> {
    await this.#unmount()
    await rm(this.#root, { recursive: true, force: true })
  }

  get #image(): string {
    return join(this.#root, 'image')
  }

  get #device(): string {
    return join(this.#root, 'device')
  }

  get #overlay(): string {
    return join(this.#root, 'overlay')
  }

  async #mount(): Promise<void> {
    await run('mount', ['-o', 'loop,commit=300', this.#image, this.#device])
  }

  async #mountOverlay(): Promise<void> {
    if (!this.#ignoresSync) return
    const lower = join(this.#root, 'empty')
    await mkdir(lower, { recursive: true })
    const folders = `lowerdir=${lower},upperdir=${this.#device}/data,workdir=${this.#device}/work`
    await run('mount', ['-t', 'overlay', '-o', `${folders},volatile`, 'overlay', this.#overlay])
  }

  /** Unmounts both. A process that has just been killed may keep a file open for a moment. */
  async #unmount(): Promise<void> {
    const deadline = Date.now() + UNMOUNT_TIMEOUT_MS
    for (const folder of [this.#overlay, this.#device]) {
      while (await isMounted(folder)) {
        await run('umount', [folder]).catch(async (error: unknown) => {
          if (Date.now() > deadline) throw error
          await sleep(50)
        })
      }
    }
  }
}

async function isMounted(folder: string): Promise<boolean> {
  return run('mountpoint', ['-q', folder]).then(
    () => true,
    () => false,
  )
}
