/** The id of a provider's model. */
export function modelIdOf(provider: string, model: string): string {
  return `${provider}/${model}`;
}

/** What a provider itself calls the model with this id, which may contain slashes. */
export function ownModelName(modelId: string): string {
  return modelId.slice(modelId.indexOf('/') + 1);
}
