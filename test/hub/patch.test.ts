import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Operation, applyPatch as reference } from 'rfc6902';
import * as v from 'valibot';
import {
  applyPatch,
  diff,
  equal,
  MAX_DEPTH,
  MAX_OPERATIONS,
  Patch,
  type PatchError,
  type PatchOperation,
} from '../../src/protocol/patch.ts';

/** JSON documents that can be stored. */
const text = fc.string({ unit: 'grapheme' }).map((any) => any.toWellFormed().replaceAll('\0', ''));
const name = text.filter((key) => key !== '__proto__');
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const documents = fc.dictionary(
  name.filter((key) => key !== 'constructor' && key !== 'prototype'),
  json,
  { maxKeys: 6, noNullPrototype: true },
);

function refused(document: unknown, patch: readonly object[]): PatchError {
  const before = structuredClone(document);
  let thrown: unknown;
  assert.throws(
    () => applyPatch(document, v.parse(Patch, patch)),
    (error) => {
      thrown = error;
      return true;
    },
  );
  assert.deepEqual(document, before);
  return thrown as PatchError;
}

describe('patch', () => {
  it('leads from any document to any other', () => {
    fc.assert(
      fc.property(documents, documents, (a, b) => {
        const patch = diff(a, b);
        assert.ok(equal(applyPatch(a, v.parse(Patch, JSON.parse(JSON.stringify(patch)))), b));
      }),
      { numRuns: 2000 },
    );
  });

  it('leads from nothing to any document, and from any JSON to any other', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        assert.ok(equal(applyPatch(undefined, [{ op: 'add', path: '', value: a }]), a));
        assert.ok(equal(applyPatch(a, diff(a, b)), b));
      }),
      { numRuns: 1000 },
    );
  });

  it('is empty between equal documents, whatever the order of their members', () => {
    assert.deepEqual(diff({ a: 1, b: { c: [1], d: 2 } }, { b: { d: 2, c: [1] }, a: 1 }), []);
  });

  it('appends to a text that has grown, however long it is', () => {
    fc.assert(
      fc.property(
        text.filter((any) => any !== ''),
        text.filter((any) => any !== ''),
        (before, more) => {
          const patch: PatchOperation[] = [{ op: 'append', path: '/content', offset: before.length, text: more }];
          assert.deepEqual(diff({ content: before }, { content: before + more }), patch);
          assert.deepEqual(applyPatch({ content: before }, patch), { content: before + more });
        },
      ),
    );
  });

  it('tells the present length where an append does not fit', () => {
    const error = refused({ content: 'abc' }, [{ op: 'append', path: '/content', offset: 2, text: 'd' }]);
    assert.deepEqual([error.reason, error.length], ['conflict', 3]);
    assert.equal(refused({ content: 1 }, [{ op: 'append', path: '/content', offset: 0, text: 'd' }]).length, undefined);
  });

  it('is applied as a whole or not at all', () => {
    const document = { a: [1, 2], b: { c: 'text' } };
    refused(document, [
      { op: 'replace', path: '/b/c', value: 'other' },
      { op: 'add', path: '/a/-', value: 3 },
      { op: 'remove', path: '/nothing' },
    ]);
  });

  it('leaves the given document as it is', () => {
    const document = { a: [1] };
    assert.deepEqual(applyPatch(document, [{ op: 'add', path: '/a/-', value: 2 }]), { a: [1, 2] });
    assert.deepEqual(document, { a: [1] });
  });

  it('follows RFC 6902 where its operations are used', () => {
    const document = { a: { b: 1 }, list: ['x', 'y'] };
    const cases: [PatchOperation[], unknown][] = [
      [[{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, list: ['x', 'y'], c: 1 }],
      [[{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 }, list: ['x', 'y'] }],
      [[{ op: 'add', path: '/list/1', value: 'z' }], { a: { b: 1 }, list: ['x', 'z', 'y'] }],
      [[{ op: 'remove', path: '/list/0' }], { a: { b: 1 }, list: ['y'] }],
      [[{ op: 'test', path: '/a', value: { b: 1 } }], document],
      [[{ op: 'replace', path: '', value: 7 }], 7],
    ];
    for (const [patch, expected] of cases) assert.deepEqual(applyPatch(document, patch), expected);
  });

  it('does what the library rfc6902 does, wherever a patch is sound', () => {
    const path = fc.constantFrom(
      '',
      '/a',
      '/b',
      '/list',
      '/list/0',
      '/list/1',
      '/list/-',
      '/a/b',
      '/a/b/c',
      '/b/0',
      '/a~1b',
      '/~0',
    );
    const operation = fc.oneof(
      fc.record({ op: fc.constantFrom('add' as const, 'replace' as const), path, value: json }),
      fc.record({ op: fc.constant('remove' as const), path: path.filter((one) => one !== '') }),
      fc.record({ op: fc.constantFrom('move' as const, 'copy' as const), from: path, path }),
    );
    let sound = 0;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 5 }), (patch) => {
        const document = { a: { b: { c: 1 } }, list: ['x', 'y'], 'a/b': true, '~': 0 };
        let ours: unknown;
        try {
          ours = applyPatch(document, patch);
        } catch {
          return;
        }
        const holder = { root: structuredClone(document) as unknown };
        const below = patch.map((one) => ({
          ...one,
          path: `/root${one.path}`,
          ...('from' in one ? { from: `/root${one.from}` } : {}),
        }));
        assert.ok(reference(holder, structuredClone(below) as Operation[]).every((problem) => problem === null));
        assert.ok(equal(ours, holder.root));
        sound++;
      }),
      { numRuns: 3000 },
    );
    assert.ok(sound > 500);
  });

  const hostile: [title: string, patch: object[]][] = [
    ['writes to __proto__', [{ op: 'add', path: '/__proto__/polluted', value: true }]],
    ['gives the document another prototype', [{ op: 'add', path: '/__proto__', value: { polluted: true } }]],
    ['writes to the prototype of a constructor', [{ op: 'add', path: '/constructor/prototype/polluted', value: true }]],
    ['writes to what objects inherit', [{ op: 'add', path: '/toString/polluted', value: true }]],
    ['writes to what texts inherit', [{ op: 'add', path: '/content/length', value: 1 }]],
    ['removes what objects inherit', [{ op: 'remove', path: '/toString' }]],
    ['moves __proto__', [{ op: 'move', from: '/__proto__', path: '/x' }]],
    ['escapes the slash', [{ op: 'add', path: '/__proto__~1polluted/x', value: 1 }]],
    ['brings a member __proto__', [{ op: 'add', path: '/x', value: JSON.parse('{"__proto__": {"polluted": true}}') }]],
    ['names a sloppy index', [{ op: 'replace', path: '/list/0x', value: 1 }]],
    ['names an index beyond the end', [{ op: 'add', path: '/list/7', value: 1 }]],
    ['moves a value into itself', [{ op: 'move', from: '/a', path: '/a/b' }]],
    ['tests for something else', [{ op: 'test', path: '/content', value: 'other' }]],
    ['brings NUL', [{ op: 'add', path: '/x', value: 'a\0' }]],
    ['brings half of a surrogate pair as a name', [{ op: 'add', path: '/x', value: { '\ud800': 1 } }]],
    [
      'nests too deeply',
      [{ op: 'add', path: '/x', value: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) }],
    ],
    [
      'nests step by step',
      Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => ({
        op: 'add',
        path: `${'/x'.repeat(depth + 1)}`,
        value: {},
      })),
    ],
    [
      'doubles again and again',
      Array.from({ length: MAX_OPERATIONS }, (_, index) => ({ op: 'copy', from: '', path: `/copy${index}` })),
    ],
    ['has too many operations', Array.from({ length: MAX_OPERATIONS + 1 }, () => ({ op: 'remove', path: '/x' }))],
    ['has an unknown operation', [{ op: 'evaluate', path: '/x', value: 1 }]],
    ['has a path without a beginning', [{ op: 'remove', path: 'content' }]],
    ['has a value of nothing', [{ op: 'add', path: '/x' }]],
  ];
  for (const [title, patch] of hostile) {
    it(`is refused and changes nothing when it ${title}`, () => {
      refused({ content: 'text', list: [1], a: { b: {} } }, patch);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      assert.equal((Object.prototype.toString as { polluted?: unknown }).polluted, undefined);
    });
  }

  it('leaves everything untouched whatever a patch consists of', () => {
    const segment = fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'content',
      'list',
      '0',
      '-',
      'length',
      '',
      'a',
    );
    const path = fc.array(segment, { maxLength: 4 }).map((segments) => segments.map((one) => `/${one}`).join(''));
    const operation = fc.oneof(
      fc.record({ op: fc.constantFrom('add', 'replace', 'test', 'remove'), path, value: json }),
      fc.record({ op: fc.constantFrom('move', 'copy'), from: path, path }),
      fc.record({ op: fc.constant('append'), path, offset: fc.nat(5), text }),
    );
    const shared = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 5 }), (patch) => {
        const document = { content: 'text', list: [1, { a: 2 }], a: { content: '' } };
        const before = structuredClone(document);
        try {
          applyPatch(document, v.parse(Patch, patch));
        } catch (error) {
          assert.ok(error instanceof Error && 'reason' in error, String(error));
        }
        assert.deepEqual(document, before);
        assert.equal(JSON.stringify(Object.getOwnPropertyNames(Object.prototype)), shared);
      }),
      { numRuns: 3000 },
    );
  });
});
