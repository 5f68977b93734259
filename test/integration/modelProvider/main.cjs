// An extension whose chat models answer as their names say.
const { LanguageModelError, LanguageModelTextPart, lm } = require('vscode');

const models = ['echo', 'hanging', 'blocked', 'broken'].map((id) => ({
  id,
  name: `Test ${id}`,
  family: 'test',
  version: '1',
  maxInputTokens: 1000,
  maxOutputTokens: 1000,
  capabilities: {},
}));

/** @type {Record<string, (say: (text: string) => void, prompt: string, cancelled: Promise<void>) => Promise<void>>} */
const behaviours = {
  echo: async (say, prompt) => {
    say('You said: ');
    say(prompt);
  },
  hanging: async (say, _, cancelled) => {
    say('half of');
    await cancelled;
    say(' never seen');
  },
  blocked: async () => {
    throw LanguageModelError.Blocked('Too much today.');
  },
  broken: async (say) => {
    say('half of');
    throw new Error('It broke.');
  },
};

exports.activate = (/** @type {import('vscode').ExtensionContext} */ context) => {
  const provider = lm.registerLanguageModelChatProvider('devchat-test', {
    provideLanguageModelChatInformation: () => models,
    provideLanguageModelChatResponse: (model, messages, _, progress, token) => {
      const parts = messages.flatMap(({ content }) => [...content]);
      const prompt = parts.map((part) => (part instanceof LanguageModelTextPart ? part.value : '?')).join('|');
      /** @type {Promise<void>} */
      const cancelled = new Promise((resolve) => token.onCancellationRequested(() => resolve()));
      const say = (/** @type {string} */ text) => progress.report(new LanguageModelTextPart(text));
      return behaviours[model.id]?.(say, prompt, cancelled) ?? Promise.resolve();
    },
    provideTokenCount: async (_, text) => String(text).length,
  });
  context.subscriptions.push(provider);
};
