/** How much is measured: the run that fills the page, a look by `--quick`, and the test's moment. */
export interface Sizes {
  readonly rounds: number
  readonly seconds: number
  /** Keys of a row are divided by this. */
  readonly keysDividedBy: number
  readonly openKeys: number
  readonly churnKeys: number
  readonly churnTimes: number
  readonly sustainedKeys: number
  readonly sustainedSeconds: number
  readonly quietSeconds: number
  readonly ddMegabytes: number
}

export const FULL: Sizes = {
  rounds: 3,
  seconds: 0.8,
  keysDividedBy: 1,
  openKeys: 1_000_000,
  churnKeys: 50_000,
  churnTimes: 10,
  sustainedKeys: 2_000_000,
  sustainedSeconds: 60,
  quietSeconds: 10,
  ddMegabytes: 4096,
}

export const QUICK: Sizes = {
  rounds: 1,
  seconds: 0.1,
  keysDividedBy: 20,
  openKeys: 20_000,
  churnKeys: 2_000,
  churnTimes: 10,
  sustainedKeys: 20_000,
  sustainedSeconds: 1,
  quietSeconds: 0.5,
  ddMegabytes: 64,
}

export const TINY: Sizes = {
  rounds: 1,
  seconds: 0.02,
  keysDividedBy: 50,
  openKeys: 2_000,
  churnKeys: 512,
  churnTimes: 4,
  sustainedKeys: 2_000,
  sustainedSeconds: 0.1,
  quietSeconds: 0.1,
  ddMegabytes: 8,
}
