import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { v7 as uuid } from 'uuid';
import { DevChatError } from '../../src/protocol/errors.ts';
import type { Database } from '../../src/store/database.ts';
import { listPeers, type PeerRecord, peerSecret, registerPeer, removePeer } from '../../src/store/peers.ts';
import { type Clock, systemClock } from '../../src/sync/clock.ts';
import { encodeFrame, FrameDecoder } from '../../src/sync/peers/frames.ts';
import { Handshake, type Introduction } from '../../src/sync/peers/handshake.ts';
import { PeerMesh } from '../../src/sync/peers/peerMesh.ts';
import { systemPlatform } from '../../src/sync/platform.ts';

export function introduce(editor: string): Introduction {
  return { instanceId: uuid(), editor, version: '1', pid: process.pid };
}

/** A challenge to the other end of a handshake. */
export function newNonce(): string {
  return randomBytes(32).toString('hex');
}

/** A mesh on a real database, with everything that it told. */
export class TestMesh {
  readonly self: Introduction;
  readonly mesh: PeerMesh;
  readonly events = new EventEmitter<{ look: []; peers: []; wishes: []; removed: [string]; log: [string] }>();
  readonly health: unknown[] = [];
  readonly log: string[] = [];
  looks = 0;
  readonly #db: Database;

  /** Answers what a peer asks. */
  asked: (method: string, params: unknown) => Promise<unknown> = async () => null;

  /** Whether the registry refuses to forget this mesh. */
  cannotLeave = false;

  constructor(db: Database, editor: string, clock: Clock = systemClock) {
    this.#db = db;
    this.self = introduce(editor);
    this.mesh = new PeerMesh(this.self, {
      registry: {
        list: () => listPeers(db),
        register: (record) => registerPeer(db, record),
        remove: async (id) => {
          if (this.cannotLeave) throw new DevChatError('busy', 'the registry cannot be written');
          await removePeer(db, id);
          this.events.emit('removed', id);
        },
      },
      secret: peerSecret(db),
      platform: { ...systemPlatform, clock },
      log: (_, text) => {
        this.log.push(text);
        this.events.emit('log', text);
      },
      look: () => {
        this.looks++;
        this.events.emit('look');
      },
      cursor: () => 0,
      streamed: () => undefined,
      peersChanged: () => this.events.emit('peers'),
      presenceChanged: () => undefined,
      wishesChanged: () => this.events.emit('wishes'),
      asked: (method, params) => this.asked(method, params),
      ingestTold: (health) => this.health.push(health),
      failed: (error) => assert.fail(String(error)),
    });
  }

  /** Names of the editors connected now. */
  get peers(): string[] {
    return this.mesh.peers.map(({ editor }) => editor).sort();
  }

  /** This mesh's row in the registry. */
  get record(): PeerRecord {
    const record = listPeers(this.#db).find(({ instanceId }) => instanceId === this.self.instanceId);
    if (!record) throw new Error(`${this.self.editor} is not registered`);
    return record;
  }

  /** Waits for an event after which the condition holds; not at all when it holds already. */
  async until(event: 'look' | 'peers' | 'wishes' | 'removed' | 'log', condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.events, event);
  }
}

/** A program that speaks the peers' protocol byte by byte, rightly or not. */
export class RawPeer {
  readonly self: Introduction;
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  readonly frames: object[] = [];
  readonly #arrivals = new EventEmitter();

  private constructor(socket: Socket, self: Introduction) {
    this.socket = socket;
    this.self = self;
    const decoder = new FrameDecoder(1 << 20);
    socket.on('data', (chunk) => {
      for (const frame of decoder.push(chunk)) this.frames.push(frame);
      this.#arrivals.emit('frame');
    });
    // Being cut off may come as a reset.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Connects without saying anything. */
  static async connect(endpoint: string, editor = 'Stranger', self = introduce(editor)): Promise<RawPeer> {
    const socket = createConnection(endpoint);
    await once(socket, 'connect');
    return new RawPeer(socket, self);
  }

  /** Connects and proves that it knows the secret; `said` is what its first frame says besides, or instead. */
  static async prove(
    endpoint: string,
    secret: string,
    editor = 'Raw',
    self = introduce(editor),
    said: object = {},
  ): Promise<RawPeer> {
    const peer = await RawPeer.connect(endpoint, editor, self);
    const handshake = new Handshake('dialler', secret, peer.self, newNonce());
    peer.send({ ...handshake.hello, ...said });
    peer.send(handshake.answer(await peer.frame(0)));
    handshake.accept(await peer.frame(1));
    return peer;
  }

  /** The frame at this position, whether it came already or is still to come. */
  async frame(index: number): Promise<object> {
    for (;;) {
      const frame = this.frames[index];
      if (frame) return frame;
      await once(this.#arrivals, 'frame');
    }
  }

  send(frame: object): void {
    this.socket.write(encodeFrame(frame));
  }
}

/** Listens at an endpoint as a program does that accepts connections and goes its own way with them. */
export async function listenAt(endpoint: string, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    accept(socket);
  });
  server.listen(endpoint);
  await once(server, 'listening');
  return server;
}
