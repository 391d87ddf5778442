/**
 * What a row of the scorecard is: a claim, how many cases show it, and the faults that its own harness must
 * find. A row is green only if enough cases ran, none failed, and every control went red.
 */

export const PROFILES = ['smoke', 'ci', 'long'] as const
export type Profile = (typeof PROFILES)[number]

export interface Context {
  readonly profile: Profile
  /** The first seed; case i uses seed + i. */
  readonly seed: number
  /** For trying a row that is measured by time: so many minutes and no more. It cannot be green then. */
  readonly minutes?: number | undefined
  /** Shown while it goes. */
  progress(done: number, of: number): void
  /** A new folder on this machine's disk; removed when the row is over. */
  folder(): string
}

/** What a run of cases found. */
export interface Findings {
  /** Cases that ran. */
  n: number
  /** Cases there should have been, where only the run can know (all calls, all bytes). */
  wanted?: number
  failures: string[]
  /** Figures worth a word. */
  measured?: string
}

/** A fault planted from outside. The same harness must fail on it. */
export interface Control {
  readonly fault: string
  /** Where it runs; everywhere unless it says otherwise. */
  readonly profiles?: readonly Profile[]
  run(context: Context): Promise<Findings>
}

/**
 * Why a row cannot run here. `privilege`: root or the kernel's leave is missing. `tool`: a program could be
 * installed.
 */
export interface Obstacle {
  readonly kind: 'privilege' | 'tool'
  readonly why: string
}

export interface Row {
  readonly number: number
  readonly claim: string
  readonly cases: Readonly<Record<Profile, number>>
  obstacle?(): Obstacle | null
  run(context: Context, cases: number): Promise<Findings>
  readonly controls: readonly Control[]
}

/** A control has shown enough with the first case that was noticed. */
export const NOTICED_ENOUGH = 1

/** Every case that a share of the profile covers: all of them, or every tenth in `smoke`. */
export function strideOf({ profile }: Context): number {
  return profile === 'smoke' ? 10 : 1
}

export function failureText(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return typeof code === 'string' ? `${code}: ${message}` : String(message ?? error)
}
