/**
 * Puts a manifest in the place of the old one: written beside it, fsync, rename. The name is durable only
 * after an fsync of the directory, which is the caller's.
 *
 * Invariant: whatever fails in here, the manifest that was there still counts, and nothing is left beside it
 * that the next attempt would stumble over.
 */
import { join } from 'node:path'
import { type FileSystem, promised, writeAll } from './file-system.ts'
import { encodeManifest, MANIFEST_NAME, MANIFEST_UNFINISHED_NAME, type Manifest } from './manifest.ts'

export async function replaceManifest(
  fileSystem: FileSystem,
  directory: string,
  manifest: Manifest,
): Promise<void> {
  const bytes = encodeManifest(manifest)
  const unfinished = join(directory, MANIFEST_UNFINISHED_NAME)
  let descriptor = -1
  try {
    descriptor = fileSystem.open(unfinished, 'create')
    writeAll(fileSystem, descriptor, bytes, 0, bytes.length, 0)
    await promised((done) => fileSystem.sync(descriptor, done))
    const written = descriptor
    descriptor = -1
    fileSystem.close(written)
    fileSystem.rename(unfinished, join(directory, MANIFEST_NAME))
  } catch (error) {
    for (const step of [() => fileSystem.close(descriptor), () => fileSystem.remove(unfinished)]) {
      try {
        step()
      } catch {
        // The first error is the one to tell.
      }
    }
    throw error
  }
}
