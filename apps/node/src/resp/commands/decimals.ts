/** Decimal numbers with a fraction: an integer of the last digit's worth. */

/** Digits behind the point in what INCRBYFLOAT answers, and in what it takes. */
export const MAX_FRACTION = 17
const EXPONENT_MAX = 308
const TEXT_MAX = 400

const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?$/

export interface Decimal {
  /** Times 10 to the power of `fraction`. */
  readonly units: bigint
  readonly fraction: number
}

/** Null: it is none. */
export function decimalIn(text: string): Decimal | null {
  const parts = text.length <= TEXT_MAX ? DECIMAL.exec(text) : null
  if (parts === null) return null
  const [, sign, whole = '', behind = '', exponent = '0'] = parts
  if (whole.length + behind.length === 0 || Math.abs(Number(exponent)) > EXPONENT_MAX) return null
  const size = BigInt(`${whole}${behind}`)
  const units = sign === '-' ? -size : size
  const fraction = behind.length - Number(exponent)
  return fraction >= 0 ? { units, fraction } : { units: units * 10n ** BigInt(-fraction), fraction: 0 }
}

/** Without zeros at the end; digits behind `fractionMax` are rounded. */
export function addDecimals(a: Decimal, b: Decimal, fractionMax: number): string {
  const fraction = Math.max(a.fraction, b.fraction)
  let sum = scaled(a, fraction) + scaled(b, fraction)
  let digits = fraction
  if (fraction > fractionMax) {
    const unit = 10n ** BigInt(fraction - fractionMax)
    const half = sum < 0n ? -unit / 2n : unit / 2n
    sum = (sum + half) / unit
    digits = fractionMax
  }
  const text = String(sum < 0n ? -sum : sum).padStart(digits + 1, '0')
  const whole = text.slice(0, text.length - digits)
  const behind = text.slice(text.length - digits).replace(/0+$/, '')
  return `${sum < 0n ? '-' : ''}${whole}${behind === '' ? '' : `.${behind}`}`
}

function scaled({ units, fraction }: Decimal, to: number): bigint {
  return units * 10n ** BigInt(to - fraction)
}
