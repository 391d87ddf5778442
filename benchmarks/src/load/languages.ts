/** Every language of the load generator, by name. */
import { documented } from './documented-language.ts'
import { etcd, etcdSerializable } from './etcd/etcd-language.ts'
import { frames, framesOfOne, framesOfQuorum } from './frame-language.ts'
import { resp } from './resp-language.ts'

export const LANGUAGES = {
  documented,
  resp,
  frames,
  framesOfOne,
  framesOfQuorum,
  etcd,
  etcdSerializable,
} as const
export type LanguageName = keyof typeof LANGUAGES
