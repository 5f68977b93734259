import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { DevChatError } from '../../protocol/errors.ts';
import { Hello, PEER_PROTOCOL, Proof } from '../../protocol/peer.ts';

/** Which end of a connection one is; it enters the proof, so that a proof cannot be sent back to its maker. */
export type Role = 'dialler' | 'listener';

/** What an instance says of itself to its peers. */
export type Introduction = Pick<Hello, 'instanceId' | 'editor' | 'version' | 'pid'>;

/**
 * Mutual proof that both ends know the database's secret, as pure steps: send `hello`, answer the other's hello with
 * {@link answer}, then check the other's proof with {@link accept}.
 */
export class Handshake {
  readonly hello: Hello;
  readonly #role: Role;
  readonly #secret: string;
  readonly #expected: string | undefined;
  #theirs: Hello | undefined;

  /**
   * @param nonce the challenge to the other end, fresh and unguessable: 32 bytes in hexadecimal
   * @param expected id of the instance that was dialled
   */
  constructor(role: Role, secret: string, self: Introduction, nonce: string, expected?: string) {
    this.#role = role;
    this.#secret = secret;
    this.#expected = expected;
    this.hello = { type: 'hello', protocol: PEER_PROTOCOL, nonce, ...self };
  }

  /**
   * Takes the other end's first frame.
   * @returns the proof to send back
   * @throws {DevChatError} `bad-request` when the frame is malformed, comes from another instance than was dialled, or
   *   no version of the protocol is common
   */
  answer(frame: object): Proof {
    const hello = v.safeParse(Hello, frame);
    if (!hello.success) throw new DevChatError('bad-request', 'the first frame is no hello');
    const { protocol, instanceId, editor } = hello.output;
    if (protocol.max < PEER_PROTOCOL.min) throw outdated(editor);
    if (protocol.min > PEER_PROTOCOL.max) throw outdated(this.hello.editor);
    if (instanceId === this.hello.instanceId) throw new DevChatError('bad-request', 'the peer claims to be oneself');
    if (instanceId !== (this.#expected ?? instanceId)) {
      throw new DevChatError('bad-request', `${instanceId} answers in its place`);
    }
    this.#theirs = hello.output;
    return { type: 'proof', mac: this.#mac(this.#role, this.hello, hello.output).toString('hex') };
  }

  /**
   * Takes the other end's second frame.
   * @returns who the other end is, now proved
   * @throws {DevChatError} `bad-request` when the proof is missing or wrong
   */
  accept(frame: object): Introduction {
    const proof = v.safeParse(Proof, frame);
    if (!proof.success || !this.#theirs) throw new DevChatError('bad-request', 'the second frame is no proof');
    const expected = this.#mac(this.#role === 'dialler' ? 'listener' : 'dialler', this.#theirs, this.hello);
    if (!timingSafeEqual(expected, Buffer.from(proof.output.mac, 'hex'))) {
      throw new DevChatError('bad-request', 'the peer does not know the secret of this database');
    }
    const { instanceId, editor, version, pid } = this.#theirs;
    return { instanceId, editor, version, pid };
  }

  #mac(role: Role, prover: Hello, verifier: Hello): Buffer {
    const claim = [role, prover.instanceId, verifier.instanceId, prover.nonce, verifier.nonce].join(' ');
    return createHmac('sha256', this.#secret).update(claim).digest();
  }
}

function outdated(editor: string): DevChatError {
  return new DevChatError(
    'bad-request',
    `The versions have no protocol in common. Update DevChat Sync in ${editor}; until then, changes arrive with delay.`,
  );
}
