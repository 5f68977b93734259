import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { eventData } from '../../../src/models/serverSentEvents.ts';

async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const place of [...places.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, place);
    from = Math.max(from, place);
  }
}

async function read(text: string, places: readonly number[] = []): Promise<string[]> {
  const data: string[] = [];
  for await (const one of eventData(cut(Buffer.from(text), places))) data.push(one);
  return data;
}

describe('server-sent events', () => {
  it('are the same however their bytes are cut', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/gu, ' '));
    const events = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }));
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(events, ends, fc.array(fc.nat()), async (written, end, places) => {
        const text = written.map((lines) => `${lines.map((data) => `data: ${data}${end}`).join('')}${end}`).join('');
        assert.deepEqual(
          await read(text, places),
          written.map((lines) => lines.join('\n')),
        );
      }),
    );
  });

  it('come to the same end however their bytes are cut, whatever a service sends', async () => {
    const piece = fc.constantFrom(
      'data',
      ':',
      ' ',
      'é',
      '🙂',
      '\r',
      '\n',
      '\r\n',
      '\n\n',
      'event: x\n',
      'data: a\n',
      'data: b\r\n',
    );
    const text = fc
      .tuple(fc.constantFrom('', '\ufeff'), fc.array(piece))
      .map(([mark, pieces]) => mark + pieces.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat()), async (sent, places) => {
        const whole = await read(sent);
        for (const cuts of [places, [...Buffer.from(sent).keys()]]) assert.deepEqual(await read(sent, cuts), whole);
      }),
    );
  });

  it('are read without the space, the name, the comments and the end that some leave out', async () => {
    assert.deepEqual(await read(':hi\nevent: x\ndata:a\nid: 1\n\n\n\nretry: 5\n\ndata\n\ndata:  b\ndata: c'), [
      'a',
      '',
      ' b\nc',
    ]);
  });

  it('are given up when a line never ends', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(100_000, 'x');
    }
    await assert.rejects(eventData(endless()).next(), { reason: 'model-failed' });
  });
});
