#!/usr/bin/env node
// The command itself is dist/main.js, one bundled file. This small file exists before the build, so that
// package managers can link it at installation.
try {
  await import('../dist/main.js')
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('main.js')) throw error
  process.stderr.write('minivault-node: not built yet; run `pnpm build` in the repository first\n')
  process.exitCode = 1
}
