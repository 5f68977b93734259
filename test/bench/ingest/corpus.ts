import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../support/random.ts';

/** Where the agent worked. */
export const FOLDER = '/home/ada/engine';

const VOCABULARY = 20_000;
const PROSE = 4000;
const OUTPUT = 12_000;

/** Of so many lines of output, one names a token; of so many, one holds a secret. */
const TOKENS = 20;
const SECRETS = 3000;

/** Of so many calls, one has an output of hundreds of lines. */
const LONG = 50;

/** How far apart sessions begin, and records of one session, in ms. */
const DAY = 86_400_000;
const STEP = 1500;

const BEGINNING = Date.parse('2026-01-01T08:00:00Z');

/** Transcripts as Claude Code writes them. */
export interface Corpus {
  files: number;
  records: number;
  /** Of which a history consists: several records may make one. */
  messages: number;
  bytes: number;
}

type Line = Record<string, unknown>;

/**
 * Writes sessions of so many turns each below an agent's directory: prompts, answers in several records, calls of tools
 * and their outputs, which are there twice. All of it follows from the seed.
 */
export function writeCorpus(
  home: string,
  sessions: number,
  turns: number,
  { seed = 1, folder = FOLDER }: { seed?: number; folder?: string } = {},
): Corpus {
  const directory = projectIn(home, folder);
  mkdirSync(directory, { recursive: true });
  const writer = new CorpusWriter(seed, folder);
  const corpus = { files: sessions, records: 0, messages: 0, bytes: 0 };
  for (let index = 0; index < sessions; index++) {
    const { id, lines, messages } = writer.session(index, turns);
    const content = Buffer.from(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
    const path = join(directory, `${id}.jsonl`);
    writeFileSync(path, content);
    const time = new Date(BEGINNING + index * 60_000);
    utimesSync(path, time, time);
    corpus.records += lines.length;
    corpus.messages += messages;
    corpus.bytes += content.length;
  }
  return corpus;
}

/** Where an agent with such a directory keeps the sessions of a folder. */
export function projectIn(home: string, folder = FOLDER): string {
  return join(home, 'projects', folder.replace(/[^A-Za-z0-9]/g, '-'));
}

/** What every record of a session has. */
export function envelope(sessionId: string, uuid: string, time: number, cwd = FOLDER): Line {
  return {
    parentUuid: null,
    isSidechain: false,
    userType: 'external',
    cwd,
    sessionId,
    version: '2.1.0',
    gitBranch: 'main',
    uuid,
    timestamp: new Date(time).toISOString(),
  };
}

class CorpusWriter {
  readonly #random: Random;
  readonly #folder: string;
  readonly #words: string[];
  readonly #prose: string[];
  readonly #output: string[];

  constructor(seed: number, folder: string) {
    this.#folder = folder;
    const random = new Random(seed, 'corpus');
    this.#random = random;
    this.#words = Array.from({ length: VOCABULARY }, () => letters(random, random.whole(2, 10)));
    this.#prose = Array.from({ length: PROSE }, () => `${this.#said(random.whole(6, 14)).join(' ')}.`);
    this.#output = Array.from({ length: OUTPUT }, (_, index) => this.#outputLine(index));
  }

  session(index: number, turns: number): { id: string; lines: Line[]; messages: number } {
    const id = this.#uuid();
    const lines: Line[] = [];
    let time = BEGINNING + index * DAY;
    let messages = 0;
    const add = (line: Line) => {
      time += STEP;
      lines.push({ ...envelope(id, this.#uuid(), time, this.#folder), ...line });
    };
    for (let turn = 0; turn < turns; turn++) {
      if (turn % 8 === 0) {
        add({ type: 'user', message: { role: 'user', content: this.#text(this.#prose, 1, 3) } });
        messages++;
      }
      const call = `toolu_${this.#hex(24)}`;
      for (const message of this.#answer(call)) add({ type: 'assistant', requestId: `req_${this.#hex(24)}`, message });
      add(this.#result(call));
      messages += 2;
    }
    return { id, lines, messages };
  }

  /** The records of an answer: thoughts, a text, a call. */
  #answer(call: string): Line[] {
    const random = this.#random;
    const usage = { input_tokens: 4, cache_read_input_tokens: random.whole(1000, 90_000), output_tokens: 1 };
    const input = { command: random.pick(this.#output), description: random.pick(this.#prose) };
    const blocks: Line[] = [{ type: 'tool_use', id: call, name: 'Bash', input }];
    if (random.next() < 0.5) blocks.unshift({ type: 'text', text: this.#text(this.#prose, 1, 5) });
    if (random.next() < 0.3)
      blocks.unshift({ type: 'thinking', thinking: this.#text(this.#prose, 2, 8), signature: '' });
    const id = `msg_${this.#hex(24)}`;
    return blocks.map((block, at) => ({
      ...{ id, type: 'message', role: 'assistant', model: 'claude-opus-4-1', content: [block], stop_reason: null },
      usage: { ...usage, output_tokens: (at + 1) * 100 },
    }));
  }

  #result(call: string): Line {
    const random = this.#random;
    const lines = random.whole(1, LONG) === 1 ? random.whole(100, 400) : 1 + Math.floor(40 * random.next() ** 2);
    const stdout = this.#text(this.#output, lines, lines);
    return {
      type: 'user',
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: call, content: stdout }] },
      toolUseResult: { stdout, stderr: '', interrupted: false },
    };
  }

  #text(from: readonly string[], least: number, most: number): string {
    return Array.from({ length: this.#random.whole(least, most) }, () => this.#random.pick(from)).join('\n');
  }

  /** Words of which a few are in most texts and most in few, as in a language. */
  #said(count: number): string[] {
    return Array.from({ length: count }, () => this.#words[Math.floor(VOCABULARY * this.#random.next() ** 3)] ?? '');
  }

  #outputLine(index: number): string {
    const [folder, file, name, value] = this.#said(4);
    const what = index % TOKENS === 0 ? `${name}Token = await getToken('https://${value}.example/${file}')` : value;
    const secret = index % SECRETS === 0 ? ` ghp_${this.#hex(36)}` : '';
    return `src/${folder}/${file}.ts:${this.#random.whole(1, 900)}: const ${name} = ${what}(${this.#said(2).join(', ')});${secret}`;
  }

  #uuid(): string {
    return `${this.#hex(8)}-${this.#hex(4)}-4${this.#hex(3)}-8${this.#hex(3)}-${this.#hex(12)}`;
  }

  #hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.#random.whole(0, 0xfffffff).toString(16).padStart(7, '0');
    return text.slice(0, length);
  }
}

function letters(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.whole(97, 122))).join('');
}
