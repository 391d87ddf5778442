/** Of the Redis whose words and replies these commands have: clients decide by it what they may send. */
export const REDIS_VERSION = '7.0.15'
