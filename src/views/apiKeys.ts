import { l10n, type QuickPickItem, type SecretStorage, window } from 'vscode';
import { isRecord } from '../protocol/json.ts';
import { modelEndpoints } from './modelChoice.ts';

/** The API key of the service at an origin; undefined when the user has entered none. */
export function apiKeyFor(secrets: SecretStorage, origin: string): PromiseLike<string | undefined> {
  return secrets.get(secretOf(origin));
}

/** How long a confirmation stays, in ms. */
const CONFIRMATION = 5000;

/** Asks the user for the API key of one of the endpoints in the settings; an empty one forgets it. */
export async function askApiKey(secrets: SecretStorage): Promise<void> {
  const endpoint = await chooseEndpoint();
  if (!endpoint) return;
  const key = await window.showInputBox({
    title: l10n.t('API key of {0}', endpoint.label),
    prompt: l10n.t('It is kept in the editor’s secret storage, and sent to {0} only.', endpoint.origin),
    placeHolder: l10n.t('Leave it empty to forget the key'),
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) return;
  if (key.trim() === '') await secrets.delete(secretOf(endpoint.origin));
  else await secrets.store(secretOf(endpoint.origin), key.trim());
  window.setStatusBarMessage(l10n.t('API key of {0} saved', endpoint.label), CONFIRMATION);
}

type EndpointItem = QuickPickItem & { origin: string };

async function chooseEndpoint(): Promise<EndpointItem | undefined> {
  const items = modelEndpoints().flatMap((endpoint): EndpointItem[] => {
    const { name, baseUrl } = isRecord(endpoint) ? endpoint : {};
    const origin = URL.parse(String(baseUrl))?.origin;
    return origin ? [{ label: String(name), description: origin, origin }] : [];
  });
  if (items.length > 0) return window.showQuickPick(items, { placeHolder: l10n.t('The API key of which service?') });
  void window.showInformationMessage(l10n.t('Add an endpoint to the setting “devchat.models.endpoints” first.'));
  return undefined;
}

/** By origin, so that no key goes anywhere but where it was entered for. */
function secretOf(origin: string): string {
  return `devchat.apiKey:${origin}`;
}
