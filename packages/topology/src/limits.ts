/** The named bounds of this package. */

export const NAME_BYTES_MAX = 255
/** Of a region and of a zone. */
export const LABEL_CHARACTERS_MAX = 63
export const MEMBERS_MAX = 1024
/** Federated, each of them holds all keys. */
export const REGIONS_MAX = 64

export const REPLICAS_DEFAULT = 3
export const REPLICAS_MAX = 7

export const EPOCH_MAX = 0xffffffff

/** Rounds in which handicaps are looked for; fewer when the shares are fair before that. */
export const BALANCING_ROUNDS_MAX = 48
