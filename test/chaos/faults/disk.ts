import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory, undoLater } from '../fleet/cleanup.ts';
import { monotonicTime } from '../time.ts';
import { mount, run } from './mounts.ts';

const SIZE = '64M';

/** ext4 that writes nothing by itself later on, so that only what is asked for reaches the disk. */
const EXT4 = ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];

/**
 * A disk whose power can be cut: an ext4 file system in an image, which in turn is a file of another one. Freezing that
 * other one holds all writes to the image between two of them, even in the middle of an fsync; a copy then has what a
 * disk has after the power went.
 */
export class Disk {
  /** Where the file system is mounted. */
  readonly directory: string;
  readonly #place: string;
  readonly #below: string;
  readonly #undo: (() => void)[] = [];

  constructor() {
    this.#place = scratchDirectory(existsSync('/dev/shm') ? '/dev/shm' : '/tmp');
    this.#below = join(this.#place, 'below');
    this.directory = join(this.#place, 'disk');
    const image = join(this.#below, 'image');
    run('truncate', '-s', '96M', join(this.#place, 'below.image'));
    run('mkfs.ext4', ...EXT4, '-O', '^has_journal', join(this.#place, 'below.image'));
    this.#undo.push(mount(this.#below, ['-o', 'loop', join(this.#place, 'below.image')]));
    run('truncate', '-s', SIZE, image);
    run('mkfs.ext4', ...EXT4, image);
    this.#undo.push(mount(this.directory, ['-o', 'loop', image]));
  }

  /**
   * What would be left if the power went now, mounted as after a restart.
   * @returns with `cutAt`, in ms of the system's monotonic clock: nobody who waits for the disk got anything done between
   *   the moment of the copy and this one, so all that was acknowledged by then must be in it
   */
  cutPower(): { directory: string; cutAt: number; discard(): void } {
    const copy = join(this.#place, 'copy.image');
    run('fsfreeze', '--freeze', this.#below);
    const thaw = () => run('fsfreeze', '--unfreeze', this.#below);
    const forget = undoLater(thaw);
    run('cp', '--sparse=always', join(this.#below, 'image'), copy);
    const cutAt = monotonicTime();
    thaw();
    forget();
    const directory = join(this.#place, 'copy');
    return { directory, cutAt, discard: mount(directory, ['-o', 'loop', copy]) };
  }

  /** To be called when nothing has a file open there any more. */
  discard(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}
