import { access } from 'node:fs/promises';
import type { IngestReport } from '../protocol/ingest.ts';
import type { Database } from '../store/database.ts';
import { ingestReport } from '../store/ingestFiles.ts';

/** What became of everything that was ever read, and which of the files are still there. */
export async function reportIngestion(db: Database): Promise<IngestReport> {
  const report = ingestReport(db);
  const files = await Promise.all(
    report.files.map(async (file) => ({ ...file, isDeleted: !(await exists(file.path)) })),
  );
  return { ...report, files };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
