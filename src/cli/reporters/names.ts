/** The reporters of `heddle run`; named here, so that help does not load them. */
export const reporters = ['default', 'stream', 'json', 'github', 'minimal'] as const
