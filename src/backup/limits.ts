/** The most entries that are read, sent or stored at once. A Worker may make 1,000 calls for one request. */
export const MOST_ENTRIES = 200
/** The most entries that are removed at once, besides. */
export const MOST_REMOVED = 500
/** About as many bytes are read, sent or stored at once; a single entry may take more. */
export const PART_BYTES: number = 1024 * 1024
/**
 * The most bytes that the Worker takes in one call: 16 MiB. That holds a text as large as an object
 * takes, 2,000,000 bytes, even if each of its characters is escaped, and escaped again.
 */
export const MOST_CALL_BYTES: number = 16 * 1024 * 1024
/** The most bytes of a single entry as JSON: room is left for what is around it in a call. */
export const MOST_ENTRY_BYTES: number = MOST_CALL_BYTES - 64 * 1024
