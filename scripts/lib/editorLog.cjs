// Stands in for @vscode/spdlog in the editor host, where its native part is not built: without it log files, and the
// output channels that show them, would stay empty.
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
const off = levels.length;

class Logger {
  /** @param {string} file */
  constructor(file) {
    mkdirSync(dirname(file), { recursive: true });
    this.file = file;
    this.level = 2;
    this.raw = false;
  }

  /** @param {string} message */
  trace(message) {
    this.write(0, message);
  }

  /** @param {string} message */
  debug(message) {
    this.write(1, message);
  }

  /** @param {string} message */
  info(message) {
    this.write(2, message);
  }

  /** @param {string} message */
  warn(message) {
    this.write(3, message);
  }

  /** @param {string} message */
  error(message) {
    this.write(4, message);
  }

  /** @param {string} message */
  critical(message) {
    this.write(5, message);
  }

  getLevel() {
    return this.level;
  }

  /** @param {number} level */
  setLevel(level) {
    this.level = level;
  }

  clearFormatters() {
    this.raw = true;
  }

  setPattern() {
    this.raw = false;
  }

  flush() {
    // Every line is written at once.
  }

  drop() {
    this.level = off;
  }

  /**
   * @param {number} level
   * @param {string} message
   */
  write(level, message) {
    if (level < this.level) return;
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    appendFileSync(this.file, this.raw ? message : `${time} [${levels[level]}] ${message}\n`);
  }
}

/**
 * @param {string} _name
 * @param {string} file
 * @returns {Promise<Logger>}
 */
async function createLogger(_name, file) {
  return new Logger(file);
}

function ignore() {
  // Applies to all loggers of the process; each has its own level here.
}

module.exports = {
  Logger,
  createRotatingLogger: createLogger,
  createAsyncRotatingLogger: createLogger,
  setLevel: ignore,
  setFlushOn: ignore,
  version: 1,
};
