/** The stretch of a real log of #ubuntu that comes with the page. */
export const EXCERPT: {
  /** Where it is served, beside the page. */
  readonly path: string
  readonly room: string
  /** The midnight that its times are after, in milliseconds since 1970. */
  readonly midnight: number
  /** What its licence, CC-BY-4.0, asks to be shown. */
  readonly credit: string
} = {
  path: 'ubuntu-excerpt.txt',
  room: '#ubuntu',
  midnight: Date.UTC(2007, 9, 24),
  credit:
    'From the data set of Jonathan K. Kummerfeld et al., "A Large-Scale Corpus for Conversation Disentanglement" (ACL 2019), under CC-BY-4.0.',
}
