/** The part of a real #ubuntu log that the page can replay. */
export const LOG_EXCERPT: {
  /** The file's path, relative to the page. */
  readonly path: string
  readonly room: string
  /** The midnight before its first line, in milliseconds since 1970. */
  readonly midnight: number
  /** The attribution that its licence, CC-BY-4.0, requires. */
  readonly credit: string
} = {
  path: 'ubuntu-excerpt.txt',
  room: '#ubuntu',
  midnight: Date.UTC(2007, 9, 24),
  credit:
    'From the data set of Jonathan K. Kummerfeld et al., "A Large-Scale Corpus for Conversation Disentanglement" (ACL 2019), under CC-BY-4.0.',
}
