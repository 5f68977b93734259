import assert from 'node:assert/strict';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { serialiseError } from '../../../src/protocol/errors.ts';
import { Handshake, type Introduction, type Role } from '../../../src/sync/peers/handshake.ts';
import { hasReason } from '../../support/database.ts';
import { introduce, newNonce } from '../../support/peers.ts';

const begin = (role: Role, secret: string, self: Introduction) => new Handshake(role, secret, self, newNonce());
const refused = hasReason('bad-request');

describe('handshake between peers', () => {
  const alice = introduce('Alice');
  const bob = introduce('Bob');

  const pair = (secret = 'secret', otherSecret = secret) =>
    [begin('dialler', secret, alice), begin('listener', otherSecret, bob)] as const;

  it('tells both ends who the other is when they share the secret', () => {
    const [dialler, listener] = pair();
    const ofDialler = dialler.answer(listener.hello);
    const ofListener = listener.answer(dialler.hello);
    assert.deepEqual(listener.accept(ofDialler), alice);
    assert.deepEqual(dialler.accept(ofListener), bob);
  });

  it('is refused by both ends when the secrets differ', () => {
    const [dialler, listener] = pair('secret', 'another');
    const ofDialler = dialler.answer(listener.hello);
    const ofListener = listener.answer(dialler.hello);
    assert.throws(() => listener.accept(ofDialler), refused);
    assert.throws(() => dialler.accept(ofListener), refused);
  });

  it('does not take back its own hello', () => {
    const [dialler] = pair();
    assert.throws(() => dialler.answer(dialler.hello), refused);
  });

  it('does not take back its own proof, whoever claims it', () => {
    const [, listener] = pair();
    const stranger = { ...listener.hello, instanceId: uuid() };
    const proof = listener.answer(stranger);
    assert.throws(() => listener.accept(proof), refused);
  });

  it('does not take a proof that it made itself at the other end of another connection', () => {
    const dialling = begin('dialler', 'secret', alice);
    const listening = begin('listener', 'secret', alice);
    const stranger = uuid();
    const proof = dialling.answer({ ...listening.hello, instanceId: stranger });
    listening.answer({ ...dialling.hello, instanceId: stranger });
    assert.throws(() => listening.accept(proof), refused);
  });

  it('does not take the proof of a dialler at the end that dialled', () => {
    const dialling = begin('dialler', 'secret', alice);
    const other = begin('dialler', 'secret', bob);
    dialling.answer(other.hello);
    const proof = other.answer(dialling.hello);
    assert.throws(() => dialling.accept(proof), refused);
  });

  it('does not take a proof of an earlier handshake', () => {
    const [dialler, listener] = pair();
    const proof = dialler.answer(listener.hello);
    const again = begin('listener', 'secret', bob);
    again.answer(dialler.hello);
    assert.throws(() => again.accept(proof), refused);
  });

  it('does not take a proof before a hello', () => {
    const [dialler, listener] = pair();
    assert.throws(() => listener.accept(dialler.answer(listener.hello)), refused);
  });

  for (const [min, max, outdated] of [
    [2, 9, 'Bob'],
    [0, 0, 'Alice'],
  ]) {
    it(`refuses a peer that speaks only protocol ${min} to ${max}, and says what to update`, () => {
      const [dialler, listener] = pair();
      const protocol = { min, max };
      assert.throws(() => listener.answer({ ...dialler.hello, protocol }), new RegExp(`Update .* in ${outdated};`));
    });
  }

  it('is refused by who dialled when another instance answers than was dialled', () => {
    const listener = begin('listener', 'secret', bob);
    const dial = (expected: string) => new Handshake('dialler', 'secret', alice, newNonce(), expected);
    assert.throws(() => dial(uuid()).answer(listener.hello), /answers in its place/);
    dial(bob.instanceId).answer(listener.hello);
  });

  it('goes on with a newer peer that still speaks this protocol, and ignores what it says besides', () => {
    const [dialler, listener] = pair();
    const newer = { ...dialler.hello, protocol: { min: 1, max: 9 }, feature: true };
    listener.answer(newer);
    assert.deepEqual(listener.accept(dialler.answer(listener.hello)), alice);
  });

  const damaged: [what: string, changes: object][] = [
    ['another type', { type: 'proof' }],
    ['no id', { instanceId: undefined }],
    ['an id that is no UUID', { instanceId: '../../x' }],
    ['a short nonce', { nonce: 'ab' }],
    ['an endless name', { editor: 'x'.repeat(101) }],
    ['a protocol that is text', { protocol: '1' }],
  ];
  for (const [what, changes] of damaged) {
    it(`refuses a hello with ${what}`, () => {
      const [dialler, listener] = pair();
      assert.throws(() => listener.answer({ ...dialler.hello, ...changes }), refused);
    });
  }

  for (const mac of ['', 'ab', 'x'.repeat(64), 'a'.repeat(64), 'A'.repeat(64)]) {
    it(`refuses the proof ${JSON.stringify(mac)}`, () => {
      const [dialler, listener] = pair();
      listener.answer(dialler.hello);
      assert.throws(() => listener.accept({ type: 'proof', mac }), refused);
    });
  }

  describe('of any two ends', () => {
    const nonces = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const roles = fc.constantFrom<Role>('dialler', 'listener');
    const secrets = fc.constantFrom('1'.repeat(64), '2'.repeat(64), `${'1'.repeat(63)}2`, '');
    const outcome = (step: () => unknown) => {
      try {
        return step();
      } catch (error) {
        return serialiseError(error).reason;
      }
    };

    it('succeeds if one dials, the other listens, and they know the same secret, and not otherwise', () => {
      fc.assert(
        fc.property(roles, roles, secrets, secrets, nonces, nonces, (role, otherRole, secret, other, one, two) => {
          const [left, right] = [new Handshake(role, secret, alice, one), new Handshake(otherRole, other, bob, two)];
          const [ofLeft, ofRight] = [left.answer(right.hello), right.answer(left.hello)];
          const isSound = role !== otherRole && secret === other;
          assert.deepEqual(
            outcome(() => left.accept(ofRight)),
            isSound ? bob : 'bad-request',
          );
          assert.deepEqual(
            outcome(() => right.accept(ofLeft)),
            isSound ? alice : 'bad-request',
          );
        }),
      );
    });

    it('is worth nothing for another connection, or once anything that counts was changed on its way', () => {
      const changes = fc.constantFrom<('nonce' | 'instanceId')[]>(['nonce'], ['instanceId'], ['nonce', 'instanceId']);
      fc.assert(
        fc.property(changes, nonces, nonces, nonces, (changed, one, two, other) => {
          fc.pre(other !== one);
          const [dialler, listener] = [
            new Handshake('dialler', 'secret', alice, one),
            new Handshake('listener', 'secret', bob, two),
          ];
          const forged = { nonce: other, instanceId: uuid() };
          listener.answer({ ...dialler.hello, ...Object.fromEntries(changed.map((name) => [name, forged[name]])) });
          const proof = dialler.answer(listener.hello);
          assert.throws(() => listener.accept(proof), refused);
        }),
      );
    });

    it('ends with a reason whatever the other one sends, and never by a proof that was made up', () => {
      const hello = { ...begin('dialler', 'secret', alice).hello };
      const values = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('proof', { min: 1, max: 1 }));
      const other = fc.dictionary(fc.constantFrom(...Object.keys(hello), 'mac'), values, { noNullPrototype: true });
      const first = fc.oneof(
        fc.constant(hello),
        other,
        other.map((changes) => ({ ...hello, ...changes })),
      );
      const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 60, maxLength: 68 });
      const second = fc.oneof(
        other,
        hex.map((mac) => ({ mac })),
        hex.map((mac) => ({ mac: mac.toUpperCase() })),
      );
      fc.assert(
        fc.property(first, second, (hi, proof) => {
          const listener = begin('listener', 'secret', bob);
          outcome(() => listener.answer(hi));
          assert.equal(
            outcome(() => listener.accept({ type: 'proof', ...proof })),
            'bad-request',
          );
        }),
      );
    });
  });
});
