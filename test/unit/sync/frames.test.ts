import assert from 'node:assert/strict';
import fc from 'fast-check';
import { serialiseError } from '../../../src/protocol/errors.ts';
import { encodeFrame, FrameDecoder } from '../../../src/sync/peers/frames.ts';
import { hasReason } from '../../support/database.ts';

const LIMIT = 4096;

function decode(chunks: readonly Buffer[], limit = LIMIT): object[] {
  const decoder = new FrameDecoder(limit);
  return chunks.flatMap((chunk) => [...decoder.push(chunk)]);
}

/** A frame whose body is not what `encodeFrame` would make. */
function rawFrame(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, bytes]);
}

describe('frames between peers', () => {
  const frames = [{ type: 'ping' }, { type: 'x', text: 'Grüße 😀 日本' }, {}];
  const wire = Buffer.concat(frames.map(encodeFrame));

  it('come whole out of any two pieces', () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      assert.deepEqual(decode([wire.subarray(0, cut), wire.subarray(cut)]), frames, `cut at ${cut}`);
    }
  });

  it('come whole out of single bytes', () => {
    assert.deepEqual(decode(Array.from(wire, (byte) => Buffer.from([byte]))), frames);
  });

  it('come whole and in order, whatever they hold and wherever they are cut', () => {
    const anyFrames = fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), { maxLength: 6 });
    const cuts = fc.array(fc.nat(), { maxLength: 10 });
    fc.assert(
      fc.property(anyFrames, cuts, (sent, positions) => {
        const bytes = Buffer.concat(sent.map(encodeFrame));
        const ends = [...positions.map((position) => position % (bytes.length + 1)), bytes.length].sort(
          (a, b) => a - b,
        );
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        assert.deepEqual(decode(chunks, 1 << 20), JSON.parse(JSON.stringify(sent)));
      }),
    );
  });

  it('tell whether one is unfinished', () => {
    const decoder = new FrameDecoder(LIMIT);
    const states = Array.from(encodeFrame({ a: 1 }), (byte) => {
      for (const _ of decoder.push(Buffer.from([byte])));
      return decoder.isPartial;
    });
    assert.deepEqual(states, [...Array(states.length - 1).fill(true), false]);
  });

  it('are refused by their header when too large, before their body comes', () => {
    assert.throws(() => decode([Buffer.from([0xff, 0xff, 0xff, 0xff])]), hasReason('bad-request'));
    const fitting = encodeFrame({ a: 'x'.repeat(LIMIT - '{"a":""}'.length) });
    assert.equal(decode([fitting]).length, 1);
    assert.throws(() => decode([fitting], LIMIT - 1), hasReason('bad-request'));
  });

  it('obey a limit that is changed between two of them', () => {
    const decoder = new FrameDecoder(10);
    const large = { text: 'x'.repeat(100) };
    const received: object[] = [];
    for (const frame of decoder.push(Buffer.concat([encodeFrame({}), encodeFrame(large)]))) {
      received.push(frame);
      decoder.limit = 1000;
    }
    assert.deepEqual(received, [{}, large]);
  });

  for (const body of ['', 'hello', '{', '1', 'null', '"text"', Buffer.from([0xff, 0xfe])]) {
    it(`are refused when they hold ${JSON.stringify(body.toString('latin1'))}`, () => {
      assert.throws(() => decode([rawFrame(body)]), hasReason('bad-request'));
    });
  }

  it('end alike wherever the bytes are cut, whatever somebody sends', () => {
    const sent = fc.oneof(
      fc.dictionary(fc.constantFrom('type', 'é'), fc.jsonValue({ maxDepth: 1 })).map(encodeFrame),
      fc.string({ unit: fc.constantFrom('{', '}', '"', ':', '1', '[', ']', ' '), maxLength: 4 }).map(rawFrame),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    );
    const received = (chunks: readonly Buffer[]) => {
      const decoder = new FrameDecoder(LIMIT);
      const frames: object[] = [];
      try {
        for (const chunk of chunks) for (const frame of decoder.push(chunk)) frames.push(frame);
      } catch (error) {
        return [frames, serialiseError(error).reason];
      }
      return [frames, decoder.isPartial];
    };
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 6 }), (pieces, positions) => {
        const bytes = Buffer.concat(pieces);
        const cuts = positions.map((position) => position % (bytes.length + 1)).sort((a, b) => a - b);
        const chunks = [...cuts, bytes.length].map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end));
        const whole = received([bytes]);
        assert.deepEqual(received(chunks), whole);
        assert.notEqual(whole[1], 'unexpected');
      }),
    );
  });
});
