/** SQLite's primary result codes that tell of the disk, not of the file: IOERR, FULL (https://www.sqlite.org/rescode.html). */
export const DISK_CODES: ReadonlySet<number> = new Set([10, 13])
