import assert from 'node:assert/strict';
import fc from 'fast-check';
import { eventError, responseError } from '../../../src/models/endpointErrors.ts';

const service = { name: 'Service', host: 'example.com', key: undefined };
const status = fc.constantFrom(400, 401, 403, 404, 413, 429, 500, 503);

describe('errors of a model’s service', () => {
  it('never tell the key, wherever and however often the service repeats it', async () => {
    const key = fc.string({ unit: fc.constantFrom('k', '3', '$', '&', '.', '+'), minLength: 8, maxLength: 40 });
    const part = fc.constantFrom(null, ' ', 'Incorrect API key: ', '"', '\n', 'x'.repeat(290));
    await fc.assert(
      fc.asyncProperty(key, fc.array(part, { minLength: 1, maxLength: 6 }), status, async (secret, parts, code) => {
        const said = parts.map((one) => one ?? secret).join('');
        const asked = { ...service, key: secret };
        const body = { error: { message: said, code: 'invalid_api_key' } };
        const { message } = await responseError(asked, Response.json(body, { status: code }));
        assert.equal(message.includes(secret), false);
        assert.equal(eventError(asked, body)?.message.includes(secret), false);
        assert.ok(message.length < 600);
      }),
    );
  });

  it('say what to do, whatever the body is and however the service wants the user to wait', async () => {
    const wait = fc.oneof(
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.constantFrom('', 'soon', '-1', '1e999', 'Infinity', '0x10', '30'),
    );
    const fields = fc.constantFrom('error', 'message', 'detail', 'code', 'type');
    const body = fc.oneof(
      fc.string(),
      fc.dictionary(fields, fc.jsonValue()).map((any) => JSON.stringify(any)),
    );
    await fc.assert(
      fc.asyncProperty(status, body, wait, async (code, text, after) => {
        const headers = { 'retry-after': after };
        const { message } = await responseError(service, new Response(text, { status: code, headers }));
        const [advice = ''] = message.split(' It says: ');
        assert.match(advice, /[Rr]etry|Choose another model|choose another model/);
        const [, time] = /Retry in ([^.]*)\./.exec(advice) ?? [];
        assert.match(time ?? '', /^$|^\d+ s$|^a while$/);
      }),
    );
  });
});
