/** The version the master calls itself, the one of its package. */
export const VERSION = '0.0.0'
