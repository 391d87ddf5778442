/** Every language of the load generator, by name. */
import { documented } from './documented-language.ts'
import { frames } from './frame-language.ts'
import { resp } from './resp-language.ts'

export const LANGUAGES = { documented, resp, frames } as const
export type LanguageName = keyof typeof LANGUAGES
