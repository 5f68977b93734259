import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { DevChatError } from '../protocol/errors.ts';
import type { Adapter } from './adapter.ts';
import { isObject } from './adapters/fields.ts';
import { adapters } from './adapters.ts';
import { BatchBuilder } from './batchBuilder.ts';
import { identity } from './identity.ts';
import { type Line, linesOf, MAX_LINE } from './lines.ts';
import { cwdIn, foldersHash, isInside, surroundingsOf } from './placement.ts';
import { recordsIn, wholeRecord } from './records.ts';
import { canonical } from './roots.ts';
import type { Batch, FilePosition, Memory, ReadRequest } from './transcript.ts';

/** How many bytes before a position are compared to tell whether a file was rewritten. */
const TAIL = 4096;

/** Bytes that are read at a time. */
const CHUNK = 1 << 18;

/** Largest document that is read, in bytes. */
const MAX_DOCUMENT = MAX_LINE;

/** Whether this runtime reads files that end in `.zst`. */
export const canDecompress = typeof zlib.createZstdDecompress === 'function';

/** An open file, as it was when it was opened. */
interface OpenFile {
  file: FileHandle;
  path: string;
  stats: BigIntStats;
}

/** An open transcript. */
interface Transcript extends OpenFile {
  adapter: Adapter;
  request: ReadRequest;
}

/**
 * Reads what is new in a transcript, batch by batch, each with the position after it. Reading on from the position of any
 * batch gives the batches that would have followed. A file that was truncated, rewritten or replaced is read anew.
 */
export async function* readTranscript(request: ReadRequest): AsyncGenerator<Batch> {
  const { path } = request;
  const file = await open(path);
  try {
    const stats = await file.stat({ bigint: true });
    const transcript = { file, path, stats, adapter: adapters[request.source], request };
    const { position, memory } = await whereToBegin(transcript);
    await place(transcript, memory);
    const builder = new BatchBuilder(transcript.adapter, memory, position, request);
    if (memory.place !== 'ours') yield builder.take(await next(transcript, 0, true));
    else if (transcript.adapter.isDocument(request.path)) yield* documentBatches(transcript, builder);
    else yield* lineBatches(transcript, builder, position);
  } finally {
    await file.close();
  }
}

/** The position up to which the file is known, if it still is that file. */
async function whereToBegin(transcript: Transcript): Promise<{ position: number; memory: Memory }> {
  const { adapter, request, stats } = transcript;
  const { known, folders } = request;
  const before = known && (JSON.parse(known.state) as Memory);
  // A document is written anew as a whole.
  const isRead = known && before?.place === 'ours' && !adapter.isDocument(request.path);
  if (isRead && (await isSame(transcript, known))) {
    return { position: known.position, memory: before };
  }
  const begun: Memory = { adapter: adapter.begin(request.path), place: 'unknown', folders: foldersHash(folders) };
  // A file that was taken stays with the workspace, whatever it was rewritten to; of a document, so does what was read.
  const isSameFile = known?.device === String(stats.dev) && known.inode === String(stats.ino);
  if (before?.place === 'ours' && isSameFile) begun.place = 'ours';
  if (before?.seen && adapter.isDocument(request.path)) begun.seen = before.seen;
  return { position: 0, memory: begun };
}

/** Whether a file is, under another path, one that was read: a new one may have got the inode number of one that is gone. */
export async function isMoved(path: string, known: FilePosition): Promise<boolean> {
  const file = await open(path);
  try {
    return await isSame({ file, path, stats: await file.stat({ bigint: true }) }, known);
  } finally {
    await file.close();
  }
}

async function isSame({ file, path, stats }: OpenFile, known: FilePosition): Promise<boolean> {
  if (known.device !== String(stats.dev) || known.inode !== String(stats.ino)) return false;
  if (isCompressed(path)) return known.size === Number(stats.size);
  return Number(stats.size) >= known.position && (await tailAt({ file, path }, known.position)) === known.tail;
}

/** Decides whether the file belongs to the workspace, as soon as it says where its agent worked. */
async function place(transcript: Transcript, memory: Memory): Promise<void> {
  const { adapter, request } = transcript;
  if (request.takeAll) memory.place = 'ours';
  if (memory.place !== 'unknown') return;
  const cwd = surroundingsOf(adapter, request).cwd ?? (await firstCwd(transcript));
  if (cwd === undefined) return;
  const isOurs = (path: string) => request.folders.some((folder) => isInside(path, folder));
  // The folders have their links resolved; what an agent names may go by a link.
  memory.place = isOurs(cwd) || isOurs(canonical(cwd)) ? 'ours' : 'foreign';
}

async function firstCwd(transcript: Transcript): Promise<string | undefined> {
  if (transcript.adapter.isDocument(transcript.request.path)) return undefined;
  for await (const line of linesOf(chunksFrom(transcript, 0), 0)) {
    const cwd = cwdIn(transcript.adapter, line);
    if (cwd !== undefined) return cwd;
  }
  return undefined;
}

async function* lineBatches(transcript: Transcript, builder: BatchBuilder, start: number): AsyncGenerator<Batch> {
  let position = start;
  builder.title(surroundingsOf(transcript.adapter, transcript.request).title);
  for await (const line of linesOf(chunksFrom(transcript, position), position)) {
    if (!addLine(builder, line)) break;
    position = line.end;
    builder.read(line.size);
    if (builder.isFull) yield builder.take(await next(transcript, position, false));
  }
  yield builder.take(await next(transcript, position, true));
}

/** @returns false when the line is the last one and not whole yet */
function addLine(builder: BatchBuilder, { bytes, position, size, isEnded }: Line): boolean {
  const isTooLong = size > MAX_LINE;
  const content = bytes.toString();
  const byteAt = (at: number) => position + Buffer.byteLength(content.slice(0, at));
  if (!isEnded) {
    const found = isTooLong ? undefined : wholeRecord(content);
    if (found) builder.add(found.record, byteAt(found.at));
    return found !== undefined;
  }
  if (isTooLong) builder.quarantine('too-long', position, '', size);
  for (const found of recordsIn(content)) {
    if ('record' in found) builder.add(found.record, byteAt(found.at));
    else builder.quarantine(found.reason, byteAt(found.at), found.text);
  }
  return true;
}

/** A document's records are those that are not as they were when it was read before. */
async function* documentBatches(transcript: Transcript, builder: BatchBuilder): AsyncGenerator<Batch> {
  const { adapter, request, stats } = transcript;
  const { memory } = builder;
  const size = Number(stats.size);
  memory.adapter = adapter.begin(request.path);
  const seen = new Set(memory.seen);
  const present: string[] = [];
  const records = size <= MAX_DOCUMENT ? adapter.split?.(await textOf(transcript)) : undefined;
  for (const [index, record] of (records ?? []).entries()) {
    const json = JSON.stringify(record);
    const mark = identity('record', json, 16);
    const isKnown = seen.has(mark) || !isObject(record);
    present.push(mark);
    if (isObject(record)) builder.add(record, index, isKnown);
    if (isKnown) continue;
    seen.add(mark);
    builder.read(json.length);
    if (!builder.isFull) continue;
    memory.seen = [...seen];
    yield builder.take(await next(transcript, 0, false));
  }
  // While the document is being written it is none, and what was read of it stays read.
  if (records) memory.seen = present;
  yield builder.take(await next(transcript, records ? size : 0, true));
}

async function textOf(transcript: Transcript): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksFrom(transcript, 0)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What to remember after reading up to a position. */
async function next(transcript: Transcript, position: number, isEnd: boolean): Promise<Omit<FilePosition, 'state'>> {
  const { stats } = transcript;
  return {
    device: String(stats.dev),
    inode: String(stats.ino),
    size: Number(stats.size),
    modifiedAt: isEnd ? Number(stats.mtimeMs) : 0,
    position,
    tail: await tailAt(transcript, position),
  };
}

async function tailAt({ file, path }: Pick<OpenFile, 'file' | 'path'>, position: number): Promise<string> {
  const length = isCompressed(path) ? 0 : Math.min(TAIL, position);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position - length);
  return identity('tail', buffer.subarray(0, bytesRead).toString('latin1'));
}

/** The content of the file from a position up to the size that it had. */
async function* chunksFrom(transcript: Transcript, position: number): AsyncGenerator<Buffer> {
  if (!isCompressed(transcript.request.path)) {
    yield* storedBytes(transcript, position);
    return;
  }
  if (!canDecompress) {
    throw new DevChatError('unsupported-node', 'Compressed transcripts can be read with Node.js 22.15 or newer only.');
  }
  const stored = Readable.from(storedBytes(transcript, 0));
  const decompressed = stored.pipe(zlib.createZstdDecompress());
  stored.on('error', (error) => decompressed.destroy(error));
  let skipped = 0;
  try {
    for await (const chunk of decompressed as AsyncIterable<Buffer>) {
      const skip = Math.min(chunk.length, position - skipped);
      skipped += skip;
      if (skip < chunk.length) yield chunk.subarray(skip);
    }
  } finally {
    stored.destroy();
  }
}

async function* storedBytes({ file, stats }: Transcript, from: number): AsyncGenerator<Buffer> {
  const size = Number(stats.size);
  for (let position = from; position < size; ) {
    const length = Math.min(CHUNK, size - position);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function isCompressed(path: string): boolean {
  return path.endsWith('.zst');
}
