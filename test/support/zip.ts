import { readFileSync } from 'node:fs';

const endSignature = 0x06054b50;
const endSize = 22;
const entrySize = 46;

/** One file of a zip archive; sizes in bytes. */
export interface ZipEntry {
  name: string;
  size: number;
}

/** Lists a zip archive by its central directory (without ZIP64). */
export function zipEntries(path: string): ZipEntry[] {
  const data = readFileSync(path);
  let end = data.length - endSize;
  while (end >= 0 && data.readUInt32LE(end) !== endSignature) end--;
  if (end < 0) throw new Error(`${path} is not a zip archive.`);
  let offset = data.readUInt32LE(end + 16);
  return Array.from({ length: data.readUInt16LE(end + 10) }, () => {
    const nameLength = data.readUInt16LE(offset + 28);
    const size = data.readUInt32LE(offset + 24);
    const name = data.toString('utf8', offset + entrySize, offset + entrySize + nameLength);
    offset += entrySize + nameLength + data.readUInt16LE(offset + 30) + data.readUInt16LE(offset + 32);
    return { name, size };
  });
}
