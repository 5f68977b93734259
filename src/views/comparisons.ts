import { commands, Disposable, Uri, workspace } from 'vscode';

const SCHEME = 'devchat-code';

/** Texts that are compared, by address, while they are shown. */
const compared = new Map<string, string>();

/** Lets the editor show texts that are no files, beside others. */
export function registerComparisons(): Disposable {
  return Disposable.from(
    workspace.registerTextDocumentContentProvider(SCHEME, {
      provideTextDocumentContent: (uri) => compared.get(uri.toString()),
    }),
    workspace.onDidCloseTextDocument(({ uri }) => compared.delete(uri.toString())),
  );
}

/** The address of a text that is to be compared; the name tells the editor its language. */
export function addressOf(name: string, text: string): Uri {
  const address = Uri.from({ scheme: SCHEME, path: `/${name}`, query: String(Date.now()) });
  compared.set(address.toString(), text);
  return address;
}

/** Shows two documents beside each other, with their differences. */
export async function showDifferences(left: Uri, right: Uri, title: string): Promise<void> {
  await commands.executeCommand('vscode.diff', left, right, title);
}
