/**
 * The real disk: `node:fs` behind the FileSystem port. The only file of the package that imports it.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'
import type { FileSystem, OpenMode } from './file-system.ts'

const FLAGS: Record<OpenMode, string> = { read: 'r', write: 'r+', create: 'wx+' }

export const nodeFileSystem: FileSystem = {
  open: (path, mode) => fs.openSync(path, FLAGS[mode]),
  close: (descriptor) => fs.closeSync(descriptor),
  size: (descriptor) => fs.fstatSync(descriptor).size,
  readSync: (descriptor, bytes, at, length, position) => fs.readSync(descriptor, bytes, at, length, position),
  read: (descriptor, bytes, at, length, position, done) =>
    fs.read(descriptor, bytes, at, length, position, done),
  writeSync: (descriptor, bytes, at, length, position) =>
    fs.writeSync(descriptor, bytes, at, length, position),
  write: (descriptor, bytes, at, length, position, done) =>
    fs.write(descriptor, bytes, at, length, position, done),
  truncate: (descriptor, length) => fs.ftruncateSync(descriptor, length),
  datasyncSync: (descriptor) => fs.fdatasyncSync(descriptor),
  datasync: (descriptor, done) => fs.fdatasync(descriptor, done),
  syncSync: (descriptor) => fs.fsyncSync(descriptor),
  sync: (descriptor, done) => fs.fsync(descriptor, done),
  syncDirectorySync(path) {
    const descriptor = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  },
  syncDirectory(path, done) {
    fs.open(path, 'r', (error, descriptor) => {
      if (error) return done(error)
      fs.fsync(descriptor, (failed) => fs.close(descriptor, () => done(failed)))
    })
  },
  rename: (from, to) => fs.renameSync(from, to),
  link: (existing, added) => fs.linkSync(existing, added),
  remove: (path) => fs.unlinkSync(path),
  unlink: (path, done) => fs.unlink(path, done),
  list: (path) => fs.readdirSync(path),
  exists: (path) => fs.existsSync(path),
  makeDirectory: makeFolder,
  readFile: (path) => fs.readFileSync(path),
}

/** Not `recursive`: that never returns where the parent exists but cannot hold the folder (/proc). */
function makeFolder(path: string): boolean {
  try {
    fs.mkdirSync(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && fs.statSync(path).isDirectory()) return false
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || fs.existsSync(parent)) throw error
  }
  makeFolder(dirname(path))
  fs.mkdirSync(path)
  return true
}
