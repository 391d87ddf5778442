/** The version this node calls itself, the one of its package. */
export const VERSION = '0.0.0'
