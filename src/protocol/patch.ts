import * as v from 'valibot';
import { DevChatError, type Reason } from './errors.ts';
import { isRecord } from './json.ts';

/** Most operations in one patch. */
export const MAX_OPERATIONS = 100;

/** How deeply a document may be nested, itself included. */
export const MAX_DEPTH = 64;

/** Most values in a document: texts, numbers, lists and so on, at any depth. */
export const MAX_VALUES = 50_000;

/** Longest document, in UTF-16 code units of its texts and names together. */
export const MAX_DOCUMENT_LENGTH = 25_000_000;

/** Segments that lead out of a document, into what all objects share. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

const Path = v.pipe(v.string(), v.maxLength(1000), v.regex(/^(?:\/(?:[^~/]|~[01])*)*$/u));

/**
 * One operation of RFC 6902; or `append`, for a text that grows: it adds to the text at `path`, which must have the
 * length `offset` in UTF-16 code units.
 */
export const PatchOperation = v.variant('op', [
  v.object({ op: v.literal('add'), path: Path, value: v.unknown() }),
  v.object({ op: v.literal('remove'), path: Path }),
  v.object({ op: v.literal('replace'), path: Path, value: v.unknown() }),
  v.object({ op: v.literal('move'), from: Path, path: Path }),
  v.object({ op: v.literal('copy'), from: Path, path: Path }),
  v.object({ op: v.literal('test'), path: Path, value: v.unknown() }),
  v.object({
    op: v.literal('append'),
    path: Path,
    offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
    text: v.string(),
  }),
]);
export type PatchOperation = v.InferOutput<typeof PatchOperation>;

export const Patch = v.pipe(v.array(PatchOperation), v.maxLength(MAX_OPERATIONS));
export type Patch = v.InferOutput<typeof Patch>;

/** Why a patch was refused; the document it was for is as it was. */
export class PatchError extends DevChatError {
  /** Of an `append` whose offset does not fit: the present length of the text, in UTF-16 code units. */
  readonly length: number | undefined;

  constructor(reason: Reason, message: string, length?: number) {
    super(reason, message);
    this.length = length;
  }
}

/**
 * A document with a patch applied to it, as a whole or not at all; the given one stays as it is. The time it takes is
 * bounded by the limits above, whoever wrote the patch.
 * @param document JSON; undefined for nothing, to which only a value at the path '' can be added
 * @throws {PatchError} `bad-request` for what is malformed or leads out of the document, `too-large`, and `conflict` for
 * what does not fit this document
 */
export function applyPatch(document: unknown, patch: Patch): unknown {
  if (patch.length > MAX_OPERATIONS) throw new PatchError('too-large', 'The patch has too many operations.');
  // In a holder, the document itself is a member that can be replaced like any other.
  const holder: Holder = document === undefined ? {} : { root: new Survey().copy(document) };
  // One for all that a patch copies, because copies double what they copy.
  const copies = new Survey();
  for (const operation of patch) apply(holder, operation, copies);
  new Survey().copy(holder['root']);
  return holder['root'];
}

/**
 * The patch that leads from one document to another. Members of the document are replaced whole, so that a patch says
 * what its author wrote even where it does not fit any more; only a text that has grown is appended to.
 * @param whole length up to which a text is replaced although it has grown, in UTF-16 code units
 */
export function diff(before: unknown, after: unknown, whole = 0): Patch {
  if (!isRecord(before) || !isRecord(after)) return equal(before, after) ? [] : [{ op: 'add', path: '', value: after }];
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const changed = Object.keys(after).filter(
    (name) => !Object.hasOwn(before, name) || !equal(before[name], after[name]),
  );
  return [
    ...removed.map((name): PatchOperation => ({ op: 'remove', path: pathTo(name) })),
    ...changed.map((name) =>
      change(pathTo(name), Object.hasOwn(before, name) ? before[name] : undefined, after[name], whole),
    ),
  ];
}

function change(path: string, before: unknown, after: unknown, whole: number): PatchOperation {
  const isText = typeof before === 'string' && typeof after === 'string';
  if (isText && before.length > whole && after.startsWith(before))
    return { op: 'append', path, offset: before.length, text: after.slice(before.length) };
  return { op: before === undefined ? 'add' : 'replace', path, value: after };
}

function pathTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

type Holder = Record<string, unknown>;

/** Where a path ends: what has the member or item, and its name there. */
interface Place {
  parent: Holder | unknown[];
  key: string;
}

function apply(holder: Holder, operation: PatchOperation, copies: Survey): void {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      insert(target(holder, path), storable(operation.value));
      break;
    case 'remove':
      take(existing(holder, path));
      break;
    case 'replace':
      set(existing(holder, path), storable(operation.value));
      break;
    case 'move':
      move(holder, operation);
      break;
    case 'copy':
      insert(target(holder, path), copies.copy(get(existing(holder, operation.from))));
      break;
    case 'test':
      assertSame(get(existing(holder, path)), operation);
      break;
    case 'append':
      append(existing(holder, path), operation);
  }
}

function assertSame(present: unknown, { path, value }: PatchOperation & { op: 'test' }): void {
  if (!equal(present, value)) throw new PatchError('conflict', `There is something else at “${path}”.`);
}

function move(holder: Holder, { from, path }: PatchOperation & { op: 'move' }): void {
  if (path.startsWith(`${from}/`)) throw new PatchError('bad-request', `“${from}” cannot be moved into itself.`);
  const value = take(existing(holder, from));
  insert(target(holder, path), value);
}

function append(place: Place, { path, offset, text }: PatchOperation & { op: 'append' }): void {
  const present = get(place);
  if (typeof present !== 'string') throw new PatchError('conflict', `There is no text at “${path}”.`);
  if (present.length !== offset) {
    const message = `The text at “${path}” has ${present.length} characters, so nothing can be added at ${offset}.`;
    throw new PatchError('conflict', message, present.length);
  }
  set(place, present + storable(text));
}

function get({ parent, key }: Place): unknown {
  return (parent as Holder)[key];
}

function set({ parent, key }: Place, value: unknown): void {
  (parent as Holder)[key] = value;
}

function insert({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : Number(key), 0, value);
  else parent[key] = value;
}

function take(place: Place): unknown {
  const value = get(place);
  if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
  else delete place.parent[place.key];
  return value;
}

/** The place of a value that is there. */
function existing(holder: Holder, path: string): Place {
  const place = target(holder, path);
  // Own members only: what all objects inherit is not part of a document.
  if (Object.hasOwn(place.parent, place.key)) return place;
  throw new PatchError('conflict', `There is nothing at “${path}”.`);
}

/** The place that a path names; the value itself need not be there yet. */
function target(holder: Holder, path: string): Place {
  const segments = path.split('/').slice(1);
  let place: Place = { parent: holder, key: 'root' };
  for (const segment of segments) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    const within = Object.hasOwn(place.parent, place.key) ? (place.parent as Holder)[place.key] : undefined;
    assertSegment(within, name, path);
    place = { parent: within, key: name };
  }
  return place;
}

function assertSegment(within: unknown, name: string, path: string): asserts within is Place['parent'] {
  assertText(name);
  if (FORBIDDEN.has(name)) throw new PatchError('bad-request', `“${path}” leads out of the document.`);
  if (Array.isArray(within)) {
    const fits = name === '-' || (/^(?:0|[1-9]\d{0,8})$/u.test(name) && Number(name) <= within.length);
    if (!fits) throw new PatchError('conflict', `There is nothing at “${path}”.`);
  } else if (!isRecord(within)) {
    throw new PatchError('conflict', `There is nothing at “${path}”.`);
  }
}

/** Counts values while it copies them, so that no document becomes too large. Texts are shared, not copied. */
class Survey {
  #values = 0;
  #length = 0;

  /** @throws {PatchError} `too-large`, also for all together that was copied before */
  copy(value: unknown, depth = 1): unknown {
    if (++this.#values > MAX_VALUES) throw new PatchError('too-large', `There are more than ${MAX_VALUES} values.`);
    if (depth > MAX_DEPTH) throw new PatchError('too-large', `The document is nested more than ${MAX_DEPTH} deep.`);
    if (typeof value === 'string') this.#add(value);
    if (Array.isArray(value)) return value.map((item) => this.copy(item, depth + 1));
    if (!isRecord(value)) return value;
    const members = Object.entries(value);
    for (const [name] of members) this.#add(name);
    return Object.fromEntries(members.map(([name, member]) => [name, this.copy(member, depth + 1)]));
  }

  #add(text: string): void {
    this.#length += text.length;
    if (this.#length > MAX_DOCUMENT_LENGTH) throw new PatchError('too-large', 'The document is too large.');
  }
}

/**
 * A copy of a value that comes into a document.
 * @throws {PatchError} `bad-request` for NUL, lone surrogates and members called `__proto__`, `too-large`
 */
function storable<T>(value: T): T {
  const copy = new Survey().copy(value) as T;
  assertStorable(copy);
  return copy;
}

function assertStorable(value: unknown): void {
  if (typeof value === 'string') assertText(value);
  else if (Array.isArray(value)) for (const item of value) assertStorable(item);
  else if (isRecord(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (name === '__proto__') throw new PatchError('bad-request', 'The document has a member “__proto__”.');
      assertText(name);
      assertStorable(member);
    }
  }
}

function assertText(text: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return;
  throw new PatchError('bad-request', 'A text has half of a surrogate pair, or NUL, in it.');
}

/** Whether two values are the same JSON. */
export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name]))
  );
}
