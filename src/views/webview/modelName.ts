import { ownModelName } from '../../protocol/modelId.ts';

/** A model's name as a reader knows it: without who offers it, which for a model of the editor is two steps away. */
export function modelName(modelId: string): string {
  const own = ownModelName(modelId);
  return modelId.startsWith('editor/') ? ownModelName(own) : own;
}
