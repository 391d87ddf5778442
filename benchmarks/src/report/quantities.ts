/** Figures as people read them. */
import type { Spread } from '../spread.ts'

export function micros(value: Spread): string {
  return value.median.toFixed(value.median < 100 ? 2 : 0)
}

export function ratio(value: Spread | null): string {
  return value === null ? '' : `${value.median.toFixed(2)} (${value.min.toFixed(2)}–${value.max.toFixed(2)})`
}

export function thousands(value: Spread): string {
  const { median } = value
  if (median < 1000) return median.toFixed(0)
  return median >= 100_000 ? `${Math.round(median / 1000)} k` : `${(median / 1000).toFixed(1)} k`
}

export function milliseconds(value: Spread): string {
  return (value.median / 1000).toFixed(value.median < 10_000 ? 2 : 1)
}

export function bytes(value: number): string {
  if (value >= 2 ** 20) return `${value / 2 ** 20} MB`
  return value >= 1024 ? `${value / 1024} KB` : `${value} B`
}

export const OPERATION_NAMES = { set: 'SET', get: 'GET', mix: '90/10' } as const
