import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hubMutants } from './hub/mutants.ts';

/** A protection taken out: lines of a file that are loaded as others. */
export interface Mutant {
  name: string;
  /** Path of the file from the root of the repository. */
  file: string;
  line: string;
  instead: string;
}

/** Each of these must fail some seed; what it stands for is not worth its lines otherwise. */
export const mutants: readonly Mutant[] = [
  {
    name: 'the cursor moves to the head',
    file: 'src/sync/changeFeed.ts',
    line: 'this.#cursor = newest.id;',
    instead: 'this.#cursor = page.head;',
  },
  {
    name: 'a full page is the last one',
    file: 'src/sync/changeFeed.ts',
    line: 'if (page.changes.length < PAGE) continue;',
    instead: 'continue;',
  },
  {
    name: 'a pruned log goes unnoticed',
    file: 'src/sync/changeFeed.ts',
    line: 'if (page.pruned) {',
    instead: 'if (false) {',
  },
  {
    name: 'siblings are not told of a commit',
    file: 'src/sync/syncEngine.ts',
    line: 'if (newest > this.#feed.cursor) this.#mesh.nudge(newest);',
    instead: '',
  },
  {
    name: 'no poll',
    file: 'src/sync/syncEngine.ts',
    line: 'if (version === this.#dataVersion && this.#store.isInPlace()) return;',
    instead: 'return;',
  },
  {
    name: 'a failed look is not repeated',
    file: 'src/sync/syncEngine.ts',
    line: 'this.#dataVersion = Number.NaN;',
    instead: '',
  },
  {
    name: 'a replaced database goes unnoticed',
    file: 'src/sync/syncEngine.ts',
    line: 'if (!this.#store.isInPlace()) this.#events.replaced();',
    instead: '',
  },
  {
    name: 'streams of the dead are left open',
    file: 'src/sync/syncEngine.ts',
    line: 'if (instanceId === leader.instanceId || !this.#writers.isGone(instanceId, progress)) continue;',
    instead: 'continue;',
  },
  {
    name: 'streams stay open that were one’s own when the database was copied',
    file: 'src/sync/syncEngine.ts',
    line: '    if (!isOwn) return;',
    instead: '    if (isOwn) return;',
  },
  {
    name: 'only the winner is told of an election',
    file: 'src/sync/leadership.ts',
    line: '    this.#ports.changed();',
    instead: '    if (this.current) this.#ports.changed();',
  },
  {
    name: 'a new peer is not told what is seen here',
    file: 'src/sync/peers/peerMesh.ts',
    line: `if (this.#presence !== null) link.send({ type: 'presence', conversationId: this.#presence });`,
    instead: '',
  },
  {
    name: 'who has gone still counts as a viewer',
    file: 'src/sync/syncEngine.ts',
    line: '    this.#tellPresence();\n    this.#events.wishesChanged();',
    instead: '    this.#events.wishesChanged();',
  },
  {
    name: 'pruning respects no peer',
    file: 'src/sync/syncEngine.ts',
    line: 'Math.min(slowest, this.#feed.cursor)',
    instead: 'this.#feed.cursor',
  },
  {
    name: 'pruning waits for no word of a peer',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'return cursors.includes(undefined) ? undefined : Math.min(...cursors.map(Number));',
    instead: 'return Math.min(...cursors.filter((cursor) => cursor !== undefined));',
  },
  {
    name: 'writes as the leader check no epoch',
    file: 'test/simulation/store.ts',
    line: 'if (leader.epoch !== asLeader.epoch || leader.instanceId !== asLeader.instanceId) {',
    instead: 'if (false) {',
  },
  {
    name: 'a takeover checks no epoch',
    file: 'test/simulation/database.ts',
    line: 'if (this.leader.epoch !== seen) return undefined;',
    instead: '',
  },
  {
    name: 'no look when a peer is connected',
    file: 'src/sync/peers/peerMesh.ts',
    line: '    this.#ports.look();\n    this.#ports.peersChanged();',
    instead: '    this.#ports.peersChanged();',
  },
  {
    name: 'silence means nothing',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'if (now - link.lastHeard > MAX_SILENCE) this.#freeze(link);',
    instead: 'if (false) this.#freeze(link);',
  },
  {
    name: 'a sleep is taken for silence',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'if (slept) link.lastHeard = now;',
    instead: '',
  },
  {
    name: 'a silent peer counts as out of sight',
    file: 'src/sync/peers/peerMesh.ts',
    line: `if (this.#frozen.has(instanceId)) return 'dead';`,
    instead: '',
  },
  {
    name: 'the dead stay registered',
    file: 'src/sync/peers/peerMesh.ts',
    line: `if (answer === 'gone') await this.#bury(record);`,
    instead: `if (answer === 'gone') return;`,
  },
  {
    name: 'one who was quicker to bury the dead is not noticed',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'if (this.#isRegistered(instanceId)) this.#dialMissing();\n    else this.#ports.peersChanged();',
    instead: 'this.#dialMissing();',
  },
  {
    name: 'one who is being killed is dialled once',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'if (count > 1 && now - last < REDIAL) return;',
    instead: 'if (count > 0 && now - last < REDIAL) return;',
  },
  {
    name: 'a row that somebody removed is not put back',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'if (own && !isRegistered) this.#inBackground(this.#ports.registry.register(own));',
    instead: '',
  },
  {
    name: 'a row that leads elsewhere passes for one’s own',
    file: 'src/sync/peers/peerMesh.ts',
    line: 'instanceId === own?.instanceId && endpoint === own.endpoint,',
    instead: 'instanceId === own?.instanceId,',
  },
  {
    name: 'the endpoint goes though the row stays',
    file: 'src/sync/peers/peerMesh.ts',
    line: '    } finally {\n      await Promise.all(',
    instead: '    } finally {\n      void this.#listener?.close();\n      await Promise.all(',
  },
  {
    name: 'two connections between two peers stay',
    file: 'src/sync/peers/peerMesh.ts',
    line: '    present?.cut();',
    instead: '',
  },
  {
    name: 'both ends cut the connection that they did not dial',
    file: 'src/sync/peers/peerMesh.ts',
    line: `(link.role === 'dialler') !== this.#self.instanceId < peer.instanceId`,
    instead: `link.role === 'listener'`,
  },
  {
    name: 'a dial is never over',
    file: 'src/sync/peers/peerMesh.ts',
    line: `if (dialled !== undefined) connection.on('close', () => this.#endDial(dialled));`,
    instead: '',
  },
  {
    name: 'leaving waits for peers that do not read',
    file: 'src/sync/peers/peerLink.ts',
    line: 'const cancelCut = this.#ports.platform.clock.after(DEADLINE, () => this.cut());',
    instead: 'const cancelCut = () => undefined;',
  },
  {
    name: 'a handshake may take for ever',
    file: 'src/sync/peers/peerLink.ts',
    line: `this.#startDeadline('the handshake took too long');`,
    instead: '',
  },
  {
    name: 'frames are as long as chunks',
    file: 'src/sync/peers/frames.ts',
    line: 'this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);',
    instead: 'this.#pending = chunk;',
  },
  {
    name: 'a checkpoint may follow the end of a stream',
    file: 'src/sync/outgoingStreams.ts',
    line: '    this.#send(messageId, stream);\n    stopTimers(stream);\n',
    instead: '',
  },
  {
    name: 'what is added while a stream ends is lost',
    file: 'src/sync/outgoingStreams.ts',
    line: '    this.#streams.delete(messageId);\n',
    instead: '',
  },
  {
    name: 'streams are left open on leaving',
    file: 'src/sync/syncEngine.ts',
    line: '    await this.streams.close();',
    instead: '',
  },
  {
    name: 'the poll goes on after leaving',
    file: 'src/sync/syncEngine.ts',
    line: '    this.#stopPolling?.();',
    instead: '',
  },
  {
    name: 'the leader writes while idle',
    file: 'src/sync/syncEngine.ts',
    line: '    const leader = this.#leadership.current;\n    if (!leader) return;',
    instead: `    const leader = this.#leadership.current;\n    if (!leader) return;\n    void this.#store.streams.interrupt(leader, 'nobody').catch(() => undefined);`,
  },
];

/**
 * Has every module that is loaded from now on be the mutant's.
 * @throws {Error} when there is no such mutant, or its lines are not in the file any more
 */
export function introduce(name: string): void {
  const mutant = [...mutants, ...hubMutants].find((one) => one.name === name);
  if (!mutant) throw new Error(`There is no mutant “${name}”.`);
  const { file, line, instead } = mutant;
  const wanted = pathToFileURL(join(import.meta.dirname, '../..', file)).href;
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (url !== wanted) return loaded;
      const parts = String(loaded.source).split(line);
      if (parts.length !== 2) throw new Error(`${file} holds these lines ${parts.length - 1} times: ${line}`);
      return { ...loaded, source: parts.join(instead) };
    },
  });
}
