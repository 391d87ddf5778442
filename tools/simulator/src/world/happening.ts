/** Something that will happen at its time. Of two at one time the one that was planned first is first. */
export abstract class Happening {
  atMs = 0
  order = 0

  abstract happen(): void
}
