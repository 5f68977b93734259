import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
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
});
