import assert from 'node:assert/strict';
import { computed, signal } from '@preact/signals';
import { terminalAttachment } from '../../../src/protocol/attachments.ts';
import { MAX_CONTENT_LENGTH, type Message } from '../../../src/protocol/model.ts';
import type {
  PanelMethod,
  PanelParams,
  PanelResults,
  PanelState,
  PanelStrings,
  PanelView,
} from '../../../src/protocol/panel.ts';
import { emptyState, moveDraft } from '../../../src/views/webview/drafts.ts';
import { Outbox } from '../../../src/views/webview/outbox.ts';
import { Replies } from '../../../src/views/webview/replies.ts';
import { shownItems } from '../../../src/views/webview/shownItems.ts';
import { Timeline } from '../../../src/views/webview/timeline.ts';
import { Writing } from '../../../src/views/webview/writing.ts';
import { messageAt } from './messages.ts';

const { conversationId } = messageAt(1);
const idOf = (seq: number) => messageAt(seq).id;
const question = (seq: number, model: string | null, parts: unknown = null) => messageAt(seq, { model, parts });
const answer = (seq: number, parts: unknown = null, rest: Partial<Message> = {}) =>
  messageAt(seq, { role: 'assistant', model: 'fake/small', parts, ...rest });

/** The part of a panel that has to do with models, with the host in the hands of the test. */
function setUp() {
  const state = signal<PanelState>({ ...emptyState, conversationId });
  const view = signal({ lastModel: 'fake/last' } as PanelView);
  const currentId = computed(() => state.value.conversationId);
  const timeline = new Timeline();
  const asked: [PanelMethod, unknown][] = [];
  const host = { choice: null as { model: string | null } | null };
  const request = async <M extends PanelMethod>(method: M, params: PanelParams<M>): Promise<PanelResults[M]> => {
    asked.push([method, params]);
    return (method === 'selectModel' ? host.choice : null) as PanelResults[M];
  };
  const replies = new Replies({ request, state, view, currentId, timeline: computed(() => timeline) });
  const outbox = new Outbox({
    entries: computed(() => state.value.outbox),
    setEntries: (entries) => {
      state.value = { ...state.value, outbox: entries };
    },
    send: () => new Promise<never>(() => undefined),
    isReady: () => true,
    onStored: () => undefined,
  });
  const strings = { tooLong: 'too long', tooMuchAttached: 'too much' } as PanelStrings;
  const draftKey = computed(() => currentId.value ?? '');
  const target = () => currentId.value ?? idOf(99);
  const writing = new Writing({ state, draftKey, outbox, replies, strings, target });
  const take = (...rows: Message[]) => {
    timeline.open(Math.max(...rows.map(({ seq }) => seq)));
    replies.takeNote(conversationId, rows);
    timeline.take(rows);
  };
  const write = (text: string) => {
    state.value = { ...state.value, drafts: { ...state.value.drafts, [draftKey.value]: text } };
  };
  const shown = () =>
    shownItems(timeline.pages.value.rows, replies.arrangement.value).map((row) => 'seq' in row && row.seq);
  return { state, view, timeline, asked, host, replies, outbox, writing, take, write, shown };
}

describe('models in the panel', () => {
  it('are the one chosen last in a new conversation, and in others the one that the newest question went to', () => {
    const { replies, state, timeline, take } = setUp();
    assert.equal(replies.model.value, 'fake/last');
    timeline.open(3);
    assert.equal(replies.model.value, null);
    take(question(1, 'fake/small'), answer(2));
    assert.equal(replies.model.value, 'fake/small');
    take(question(3, null));
    assert.equal(replies.model.value, null);
    take(question(1, 'fake/small'));
    assert.equal(replies.model.value, null);
    state.value = { ...state.value, conversationId: null };
    assert.equal(replies.model.value, 'fake/last');
  });

  it('are those that the user chooses here, until a question shares the choice', async () => {
    const { replies, state, host, asked, take } = setUp();
    take(question(1, 'fake/small'));
    host.choice = { model: 'fake/large' };
    await replies.selectModel();
    assert.deepEqual(asked, [['selectModel', { current: 'fake/small' }]]);
    assert.equal(replies.model.value, 'fake/large');
    take(question(2, 'fake/small'));
    assert.equal(replies.model.value, 'fake/large');
    take(question(3, 'fake/large'));
    assert.deepEqual(state.value.models, {});
    take(question(4, 'fake/small'));
    assert.equal(replies.model.value, 'fake/small');
    host.choice = { model: null };
    await replies.selectModel();
    assert.equal(replies.model.value, null);
    host.choice = null;
    await replies.selectModel();
    assert.equal(replies.model.value, null);
  });
});

describe('replies in the panel', () => {
  const versions = () => [
    question(1, 'fake/small'),
    answer(2, { replyTo: idOf(1) }),
    question(3, 'fake/small', { replyTo: idOf(2) }),
    answer(4, { replyTo: idOf(1), alternativeOf: idOf(2) }),
  ];

  it('are shown in the version written last, or the one that the reader wants, with what follows on it', () => {
    const { replies, take, shown, state } = setUp();
    take(...versions());
    assert.deepEqual(shown(), [1, 4]);
    const both = replies.arrangement.value.alternatives.get(idOf(4)) ?? [];
    assert.deepEqual(both, [idOf(2), idOf(4)]);
    replies.show(idOf(2), both);
    assert.deepEqual(shown(), [1, 2, 3]);
    take(answer(5, { replyTo: idOf(1), alternativeOf: idOf(2) }));
    assert.deepEqual(shown(), [1, 2, 3]);
    assert.deepEqual(state.value.versions, [idOf(2)]);
    replies.showNewest(answer(2));
    assert.deepEqual(shown(), [1, 5]);
  });

  it('are asked for again from the question that they answer, whichever follows in between', async () => {
    const { replies, take, asked, shown } = setUp();
    take(question(1, 'fake/small'), question(2, 'fake/small'), answer(3, { replyTo: idOf(1) }));
    await replies.again(answer(3, { replyTo: idOf(1) }));
    const alternativeOf = idOf(3);
    assert.deepEqual(asked.pop(), ['reply', { conversationId, seq: 1, model: 'fake/small', alternativeOf }]);
    await replies.again(answer(3));
    assert.deepEqual(asked.pop(), ['reply', { conversationId, seq: 2, model: 'fake/small', alternativeOf }]);
    assert.deepEqual(shown(), [1, 2, 3]);
  });

  it('that are asked for again are shown when they come, whichever version was wanted before', async () => {
    const { replies, take, shown } = setUp();
    take(...versions());
    replies.show(idOf(2), [idOf(2), idOf(4)]);
    await replies.again(answer(2, { replyTo: idOf(1) }));
    take(answer(5, { replyTo: idOf(1), alternativeOf: idOf(2) }));
    assert.deepEqual(shown(), [1, 5]);
  });

  it('are asked for again only when they are over, and there is a question and a model', () => {
    const { replies, take, state } = setUp();
    const rows = [answer(1), question(2, 'fake/small'), answer(3), answer(4, null, { status: 'streaming' })];
    take(...rows);
    assert.deepEqual(
      rows.map((row) => replies.canAskAgain(row)),
      [false, false, true, false],
    );
    state.value = { ...state.value, models: { [conversationId]: null } };
    assert.ok(!rows.some((row) => replies.canAskAgain(row)));
  });

  it('are stopped all at once, and count as ending from then on', async () => {
    const { replies, take, asked } = setUp();
    const streaming = { status: 'streaming' as const };
    take(question(1, 'fake/small'), answer(2, null, streaming), answer(3, null, streaming), answer(4));
    assert.deepEqual(
      replies.running.value.map(({ seq }) => seq),
      [2, 3],
    );
    await replies.stop();
    assert.deepEqual(
      asked,
      [2, 3].map((seq) => ['stop', { id: idOf(seq), conversationId, seq }]),
    );
    take(answer(2, { stopped: true }, { ...streaming, revision: 2 }));
    assert.deepEqual(
      replies.running.value.map(({ seq }) => seq),
      [3],
    );
  });
});

describe('writing in the panel', () => {
  const attachment = terminalAttachment('zsh', 'text');

  it('sends what is attached with the text, to the model, after the message that is shown last', () => {
    const { writing, take, write, state } = setUp();
    take(question(1, 'fake/small'), answer(2));
    writing.attach(attachment);
    write('Why?');
    writing.send();
    const [{ messageId = '', ...sent } = {}] = state.value.outbox;
    const model = 'fake/small';
    assert.deepEqual(sent, { conversationId, content: 'Why?', model, replyTo: idOf(2), attachments: [attachment] });
    assert.deepEqual([state.value.drafts, state.value.attachments], [{}, {}]);
    write('And?');
    writing.send();
    assert.equal(state.value.outbox[1]?.replyTo, messageId);
  });

  it('follows on nothing while the newest messages are not here', () => {
    const { writing, take, timeline, write, state } = setUp();
    take(question(1, null));
    timeline.open(2);
    write('Note');
    writing.send();
    assert.deepEqual(Object.keys(state.value.outbox[0] ?? {}), ['conversationId', 'messageId', 'content']);
  });

  it('attaches the same thing once, as it is now, and no more than a message takes', () => {
    const { writing } = setUp();
    writing.attach(attachment);
    const newer = { ...attachment, text: 'newer' };
    writing.attach(newer);
    assert.deepEqual(writing.attachments.value, [newer]);
    for (const name of ['a', 'b', 'c']) writing.attach(terminalAttachment(name, 'x'.repeat(100_000)));
    assert.deepEqual([writing.attachments.value.length, writing.problem.value], [4, null]);
    writing.attach(terminalAttachment('d', 'x'.repeat(100_000)));
    assert.deepEqual([writing.attachments.value.length, writing.problem.value], [4, 'too much']);
    writing.detach(newer);
    assert.deepEqual([writing.attachments.value.length, writing.problem.value], [3, null]);
  });

  it('refuses a text that is too long, and keeps it; says so until the text is another one', () => {
    const { writing, write, state, outbox } = setUp();
    const text = 'x'.repeat(MAX_CONTENT_LENGTH + 1);
    write(text);
    writing.send();
    assert.deepEqual([outbox.entries.value, writing.problem.value], [[], 'too long']);
    assert.equal(state.value.drafts[conversationId], text);
    state.value = { ...state.value, conversationId: null };
    assert.equal(writing.problem.value, null);
    state.value = { ...state.value, conversationId };
    assert.equal(writing.problem.value, 'too long');
    write(text.slice(1));
    assert.equal(writing.problem.value, null);
    writing.send();
    assert.deepEqual([outbox.entries.value[0]?.content.length, state.value.drafts], [MAX_CONTENT_LENGTH, {}]);
  });

  it('refuses another version of a question that is too long', () => {
    const { writing, take, outbox } = setUp();
    const first = question(1, 'fake/small');
    take(first);
    assert.throws(() => writing.sendInstead(first, 'x'.repeat(MAX_CONTENT_LENGTH + 1)), /too long/);
    assert.deepEqual(outbox.entries.value, []);
  });

  it('gives an unsent message back with what is attached to it, also to another conversation', () => {
    const { writing, write, state, outbox } = setUp();
    writing.attach(attachment);
    write('Why?');
    writing.send();
    const [entry = assert.fail()] = outbox.entries.value;
    writing.takeBack(entry);
    assert.deepEqual(state.value.outbox, []);
    const moved = moveDraft(state.value, conversationId, '');
    assert.deepEqual([moved.drafts, moved.attachments], [{ '': 'Why?' }, { '': [attachment] }]);
  });

  it('sends an edited question as another version, with what was attached, and shows it', () => {
    const { writing, replies, take, state, shown } = setUp();
    const first = question(1, 'fake/small', { attachments: [attachment] });
    take(first, answer(2), question(3, 'fake/small', { alternativeOf: first.id }));
    replies.show(first.id, [first.id, idOf(3)]);
    writing.sendInstead(first, 'Why not?');
    const [{ messageId: _, ...sent } = {}] = state.value.outbox;
    const rest = { alternativeOf: first.id, model: 'fake/small', attachments: [attachment] };
    assert.deepEqual(sent, { conversationId, content: 'Why not?', ...rest });
    assert.deepEqual(shown(), [3]);
  });
});
