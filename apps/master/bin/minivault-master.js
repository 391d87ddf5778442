#!/usr/bin/env node
// The command itself is dist/main.cjs, one bundled file. This small file exists before the build, so that
// package managers can link it at installation.
import { createRequire } from 'node:module'

try {
  createRequire(import.meta.url)('../dist/main.cjs')
} catch (error) {
  if (error?.code !== 'MODULE_NOT_FOUND' || !String(error.message).includes('main.cjs')) throw error
  process.stderr.write('minivault-master: not built yet; run `pnpm build` in the repository first\n')
  process.exitCode = 1
}
