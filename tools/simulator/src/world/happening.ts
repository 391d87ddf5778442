/** Something that will happen at its time. */
export interface Happening {
  happen(): void
}
