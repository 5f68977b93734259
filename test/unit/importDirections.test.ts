import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/lib/step.mjs';

const allowed = [
  ['src/store/x.ts', '../protocol/rpc.ts'],
  ['src/sync/x.ts', '../store/x.ts'],
  ['src/sync/peers/x.ts', '../../store/x.ts'],
  ['src/sync/peers/x.ts', '../changeFeed.ts'],
  ['src/sync/sequence.ts', '../protocol/model.ts'],
  ['src/sync/chat/x.ts', '../../protocol/model.ts'],
  ['src/sync/chat/x.ts', '../sequence.ts'],
  ['src/sync/chat/x.ts', './y.ts'],
  ['src/hubClient/x.ts', '../protocol/hub.ts'],
  ['src/hubClient/x.ts', '../store/x.ts'],
  ['src/hubClient/x.ts', '../sync/sequence.ts'],
  ['src/hubClient/x.ts', '../sync/clock.ts'],
  ['src/hubClient/x.ts', '../sync/chat/x.ts'],
  ['src/ingest/x.ts', '../sync/x.ts'],
  ['src/instance/x.ts', '../ingest/x.ts'],
  ['src/instance/x.ts', '../hubClient/x.ts'],
  ['src/instance/x.ts', './client/x.ts'],
  ['src/instance/client/x.ts', '../../protocol/rpc.ts'],
  ['src/instance/client/x.ts', './y.ts'],
  ['src/instance/client/x.ts', 'vscode-jsonrpc/node'],
  ['src/cli/x.ts', '../instance/serve.ts'],
  ['src/cli/x.ts', '../hub/server.ts'],
  ['src/hub/x.ts', '../protocol/hub.ts'],
  ['src/hub/x.ts', '../sync/sequence.ts'],
  ['src/hub/x.ts', '../sync/chat/x.ts'],
  ['src/views/x.ts', 'vscode'],
  ['src/views/x.ts', '../instance/client/instanceClient.ts'],
  ['src/views/x.ts', '../sync/sequence.ts'],
  ['src/models/x.ts', 'vscode'],
  ['src/extension.ts', './views/x.ts'],
  ['src/extension.ts', './models/x.ts'],
  ['src/extension.ts', './instance/client/instanceClient.ts'],
  ['src/views/webview/x.tsx', '../../protocol/panel.ts'],
  ['src/views/webview/x.tsx', '../../sync/sequence.ts'],
  ['src/views/webview/x.tsx', '../../sync/chat/x.ts'],
  ['src/views/webview/x.tsx', './messageList.tsx'],
] as const;

const forbidden = [
  ['src/protocol/x.ts', '../store/x.ts'],
  ['src/protocol/x.ts', '../sync/sequence.ts'],
  ['src/store/x.ts', '../sync/x.ts'],
  ['src/store/x.ts', '../instance/x.ts'],
  ['src/store/x.ts', 'vscode'],
  ['src/sync/x.ts', '../ingest/x.ts'],
  ['src/sync/peers/x.ts', '../../instance/x.ts'],
  ['src/sync/sequence.ts', '../store/x.ts'],
  ['src/sync/sequence.ts', './changeFeed.ts'],
  ['src/sync/chat/x.ts', '../../store/x.ts'],
  ['src/sync/chat/x.ts', '../clock.ts'],
  ['src/sync/chat/x.ts', '../peers/x.ts'],
  ['src/sync/chat/x.ts', 'node:fs'],
  ['src/hubClient/x.ts', '../sync/syncEngine.ts'],
  ['src/hubClient/x.ts', '../sync/peers/x.ts'],
  ['src/hubClient/x.ts', '../hub/x.ts'],
  ['src/hubClient/x.ts', '../instance/x.ts'],
  ['src/store/x.ts', '../hubClient/x.ts'],
  ['src/sync/x.ts', '../hubClient/x.ts'],
  ['src/views/x.ts', '../hubClient/x.ts'],
  ['src/hub/x.ts', '../hubClient/x.ts'],
  ['src/ingest/x.ts', '../instance/x.ts'],
  ['src/ingest/x.ts', '../hubClient/x.ts'],
  ['src/instance/x.ts', '../cli/main.ts'],
  ['src/instance/x.ts', '../views/x.ts'],
  ['src/instance/x.ts', 'vscode'],
  ['src/instance/client/x.ts', '../serve.ts'],
  ['src/instance/client/x.ts', '../../store/x.ts'],
  ['src/instance/client/x.ts', 'vscode'],
  ['src/cli/x.ts', '../views/x.ts'],
  ['src/cli/x.ts', '../extension.ts'],
  ['src/hub/x.ts', '../store/x.ts'],
  ['src/hub/x.ts', '../sync/peers/x.ts'],
  ['src/views/x.ts', '../store/x.ts'],
  ['src/views/x.ts', '../sync/changeFeed.ts'],
  ['src/views/x.ts', '../sync/chat/x.ts'],
  ['src/views/x.ts', '../instance/serve.ts'],
  ['src/views/x.ts', '../models/x.ts'],
  ['src/models/x.ts', '../instance/main.ts'],
  ['src/extension.ts', './store/x.ts'],
  ['src/extension.ts', './instance/main.ts'],
  ['src/views/webview/x.tsx', 'vscode'],
  ['src/views/webview/x.tsx', 'node:fs'],
  ['src/views/webview/x.tsx', '../../instance/client/instanceClient.ts'],
  ['src/views/webview/x.tsx', '../../store/x.ts'],
  ['src/views/webview/x.tsx', '../../sync/clock.ts'],
] as const;

describe('import directions', () => {
  let refused: ReadonlySet<string> = new Set();
  before(() => {
    refused = lint([...allowed, ...forbidden]);
  });

  for (const [file, specifier] of allowed) {
    it(`${file} may import ${specifier}`, () => assert.ok(!refused.has(`${file} ${specifier}`)));
  }
  for (const [file, specifier] of forbidden) {
    it(`${file} must not import ${specifier}`, () => assert.ok(refused.has(`${file} ${specifier}`)));
  }
});

interface Diagnostic {
  location: { path: string; range: { start: { line: number } } };
}

/** Lints files with one import in each line under the project's own rules; returns the refused ones. */
function lint(imports: readonly (readonly [file: string, specifier: string])[]): ReadonlySet<string> {
  const folder = mkdtempSync(join(tmpdir(), 'devchat-lint-'));
  try {
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
    const files = Map.groupBy(imports, ([file]) => file);
    for (const [file, lines] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), lines.map(([, specifier]) => `import '${specifier}';\n`).join(''));
    }
    const { diagnostics } = runBiome(folder);
    return new Set(
      diagnostics.map(({ location: { path, range } }) => files.get(path)?.[range.start.line - 1]?.join(' ') ?? path),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runBiome(cwd: string): { diagnostics: Diagnostic[] } {
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const options = ['--vcs-enabled=false', '--only=style/noRestrictedImports', '--max-diagnostics=none'];
  const { stdout, stderr } = spawnSync(process.execPath, [biome, 'lint', ...options, '--reporter=rdjson', 'src'], {
    cwd,
    encoding: 'utf8',
  });
  assert.ok(stdout, stderr);
  return JSON.parse(stdout);
}
